import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { documentRules } from '../index.ts'
import { type Draw, drawFrom } from '../testing/hostile-history.ts'
import { type WrittenStruct, writeUpdate } from '../testing/struct-writer.ts'
import type { StructId } from './update-reader.ts'

const RUNS = process.env.JOINERY_NIGHTLY === undefined ? 300 : 30_000
const WRITER = { actor: 'a', source: 'user_action', sources: undefined, isAuthenticated: false }

interface Letter {
  readonly id: StructId
  readonly struct: WrittenStruct
  readonly update: Uint8Array
  /** Others that it builds on, directly or not. */
  readonly history: ReadonlySet<Letter>
}

/**
 * Letters of one text by writers who have seen only some of the others. Each writer puts a letter between any two characters that
 * the writer sees. Those that the rules accept, one after the other.
 */
function drawLetters(draw: Draw): Letter[] {
  const letters: Letter[] = []
  const server = new Y.Doc()
  const rules = documentRules.open(server)
  for (let left = 3 + draw(9); left > 0; left--) {
    const client = 1 + draw(4)
    const seen = new Set<Letter>()
    for (const letter of letters) {
      if (letter.id.client !== client && draw(3) > 0) continue
      for (const each of [...letter.history, letter]) seen.add(each)
    }
    const view = docOf([...seen])
    const ids = idsIn(view)
    const [from, to] = [draw(ids.length + 1), draw(ids.length + 1)].sort((a, b) => a - b) as [number, number]
    const isApart = draw(2) === 0
    const id = { client, clock: Y.getState(view.store, client) }
    const struct: WrittenStruct = {
      kind: 'item',
      origin: ids[from - 1],
      rightOrigin: ids[isApart ? to : from],
      parent: 't',
      content: { kind: 'string', text: 'abcdefghijklmnop'.charAt(letters.length) },
    }
    const update = writeUpdate({ clients: [{ ...id, structs: [struct] }] })
    const refusal = rules.inspect(update, WRITER)
    if (!isApart) expect(refusal, 'a letter between two that stand next to each other').toBeUndefined()
    // The rules must say the same when nothing is applied yet.
    const together = inOne([...letters, { id, struct }])
    expect(documentRules.open(new Y.Doc()).inspect(together, WRITER)).toEqual(refusal)
    if (refusal !== undefined) continue
    Y.applyUpdate(server, update)
    letters.push({ id, struct, update, history: seen })
  }
  return letters
}

function docOf(letters: readonly Letter[]): Y.Doc {
  const doc = new Y.Doc()
  for (const { update } of letters) Y.applyUpdate(doc, update)
  expect(doc.store.pendingStructs).toBeNull()
  return doc
}

/** Ids of the characters in a document's text, in their order. */
function idsIn(doc: Y.Doc): StructId[] {
  const ids: StructId[] = []
  for (let item = doc.getText('t')._start; item !== null; item = item.right) {
    for (let at = 0; at < item.length; at++) ids.push({ client: item.id.client, clock: item.id.clock + at })
  }
  return ids
}

function inOne(letters: readonly Pick<Letter, 'id' | 'struct'>[]): Uint8Array {
  const clients = [...new Set(letters.map(({ id }) => id.client))].sort((a, b) => b - a)
  return writeUpdate({
    clients: clients.map((client) => ({
      client,
      clock: 0,
      structs: letters.filter(({ id }) => id.client === client).map(({ struct }) => struct),
    })),
  })
}

function shuffled(letters: readonly Letter[], draw: Draw): Letter[] {
  const left = [...letters]
  return letters.map(() => left.splice(draw(left.length), 1)[0] as Letter)
}

test('[B60] accepted letters between any two others come to stand in one order, in whatever order they arrive', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const draw = drawFrom(seed)
      const letters = drawLetters(draw)
      const text = docOf(letters).getText('t').toString()
      for (let order = 0; order < 6; order++) {
        const doc = new Y.Doc()
        for (const { update } of shuffled(letters, draw)) Y.applyUpdate(doc, update)
        const { pendingStructs } = doc.store
        // Yjs leaves structs waiting that came before what they build on: they are tried again here until all are in.
        if (pendingStructs !== null) for (const { update } of letters) Y.applyUpdate(doc, update)
        expect(doc.getText('t').toString()).toBe(text)
      }
    }),
    { numRuns: RUNS },
  )
})
