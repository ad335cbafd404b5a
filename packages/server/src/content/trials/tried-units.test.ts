import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRules, type RuledDocument } from '../document-rules.ts'
import { RoomDocument } from '../room-document.ts'
import { splitTried } from './trial-protocol.ts'
import { TriedUnits } from './tried-units.ts'

const STRUCTS = 5_000
const WRITER = { actor: 'ada', source: 'user_action', sources: undefined, isAuthenticated: false, isAnswer: true }

function listOf(count: number): Uint8Array {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let n = 0; n < count; n++) doc.getArray('list').insert(0, [n])
  })
  return Y.encodeStateAsUpdate(doc)
}

/** Rules that note what they are asked, in order. Reading takes three steps. */
function noted(): { asked: string[]; document: RoomDocument } {
  const asked: string[] = []
  const open = (...args: Parameters<typeof openRules.open>): RuledDocument => ({
    ...openRules.open(...args),
    *preparing() {
      for (const step of ['read', 'read', 'read']) {
        asked.push(step)
        yield
      }
      return () => void asked.push('forget')
    },
    withhold: (update) => {
      asked.push('withhold')
      return update
    },
    mayBeOthers: () => {
      asked.push('mayBeOthers')
      return false
    },
    inspect: () => {
      asked.push('inspect')
      return undefined
    },
  })
  return { asked, document: new RoomDocument({ open }) }
}

it('[S242] an update that was tried is read in turns, inspected in several, and split in turns, and what was read is forgotten', () => {
  const { asked, document } = noted()
  const update = listOf(STRUCTS)
  const units = new TriedUnits(update, WRITER, splitTried(update))
  const turns: string[][] = []
  while (!units.isInspected) {
    const before = asked.length
    expect(units.inspect(document, () => true)).toBeUndefined()
    turns.push(asked.slice(before))
  }
  expect(asked).toEqual(['read', 'read', 'read', 'withhold', 'mayBeOthers', 'inspect', 'forget'])
  // Each of these may take a turn: no turn has two.
  for (const turn of turns) expect(turn.filter((step) => step !== 'forget').length).toBeLessThan(2)
  while (!units.isDone) units.apply(document, 1)
  expect(document.doc.getArray('list').length).toBe(STRUCTS)
})

it('[S242] what was read is forgotten, too, when the update is refused', () => {
  const { asked, document } = noted()
  const waiting = new Y.Doc()
  waiting.getArray('list').push([1])
  const since = Y.encodeStateVector(waiting)
  waiting.getArray('list').push([2])
  const units = new TriedUnits(Y.encodeStateAsUpdate(waiting, since), WRITER, [])
  let refused = units.inspect(document, () => false)
  while (refused === undefined && !units.isInspected) refused = units.inspect(document, () => false)
  expect(refused?.code).toBe('too_costly')
  expect(asked.at(-1)).toBe('forget')
})
