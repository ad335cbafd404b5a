import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createBlock, documentRules, getBlock } from '../index.ts'
import { type Draw, drawFrom, HonestClient, hostileUpdate } from '../testing/hostile-history.ts'
import { readTypedItem } from './typed-item.ts'
import { isPlainTyping } from './typing-scan.ts'

const RUNS = process.env.JOINERY_NIGHTLY === undefined ? 60 : 3_000
const STEPS = 40
const WRITER = { actor: 'ada', source: 'user_action', sources: undefined }

/** A document, and what was told of each change of it. */
function watched() {
  const doc = new Y.Doc()
  doc.clientID = 77
  const told: unknown[] = []
  for (const name of ['text', 'other']) {
    doc.getText(name).observe((event) => told.push(JSON.stringify([name, event.delta, [...event.keys]])))
  }
  doc.on('update', (update: Uint8Array) => told.push([...update]))
  return { doc, told }
}

/** Applies an update as a room does: what waits in the document is checked when it comes free. */
function apply(
  doc: Y.Doc,
  rules: Pick<ReturnType<typeof documentRules.open>, 'spoilWaiting'>,
  update: Uint8Array,
): void {
  if (doc.store.pendingStructs !== null) rules.spoilWaiting(update)
  Y.applyUpdate(doc, update)
}

function integrate(item: Y.Item, transaction: Y.Transaction): void {
  expect(item.getMissing(transaction, transaction.doc.store)).toBeNull()
  item.integrate(transaction, 0)
}

function type({ doc }: HonestClient, draw: Draw): void {
  const text = doc.getText(draw(4) === 0 ? 'other' : 'text')
  text.insert(draw(3) === 0 ? draw(text.length + 1) : text.length, ['x', 'é', '😀', 'ab'][draw(4)] as string)
}

/** Changes one byte of an update: it may still be one. */
function bent(update: Uint8Array, draw: Draw): Uint8Array {
  const bytes = update.slice()
  bytes[draw(bytes.length)] = draw(256)
  return bytes
}

/** One history of three clients and a hostile one. Returns how many updates were read as typing. */
function play(seed: number, isAuthenticated: boolean): number {
  const draw = drawFrom(seed)
  const [read, plain] = [watched(), watched()]
  const rules = documentRules.open(read.doc)
  const plainRules = documentRules.open(plain.doc)
  const clients = [1, 2, 3].map((id) => new HonestClient(id))
  let typed = 0
  const take = (updates: readonly Uint8Array[], actor: string): void => {
    const writer = { ...WRITER, actor, isAuthenticated }
    const taken: Uint8Array[] = []
    read.doc.transact((transaction) => {
      for (const update of updates) {
        const { pendingStructs, pendingDs } = read.doc.store
        const item = pendingStructs === null && pendingDs === null ? rules.readTyped(update, writer) : undefined
        const refusal = rules.inspect(update, writer)
        if (item !== undefined) {
          expect(refusal).toBeUndefined()
          expect(isPlainTyping(read.doc, update, isAuthenticated ? rules.owners : undefined, actor)).toBe(true)
          integrate(item, transaction)
          typed++
        } else if (refusal === undefined) apply(read.doc, rules, update)
        if (refusal === undefined) taken.push(update)
      }
    })
    plain.doc.transact(() => {
      for (const update of taken) apply(plain.doc, plainRules, update)
    })
    expect(Y.encodeStateAsUpdate(read.doc)).toEqual(Y.encodeStateAsUpdate(plain.doc))
    expect(read.told).toEqual(plain.told)
    expect(read.doc.store.pendingStructs).toEqual(plain.doc.store.pendingStructs)
    expect(read.doc.store.pendingDs).toEqual(plain.doc.store.pendingDs)
  }
  for (let step = 0; step < STEPS; step++) {
    const client = clients[draw(clients.length)] as HonestClient
    const kind = draw(8)
    if (kind < 4) type(client, draw)
    else if (kind === 4) client.edit(draw)
    else if (kind === 5) Y.applyUpdate(client.doc, Y.encodeStateAsUpdate(read.doc), 'server')
    else if (kind === 6) take(client.sent.splice(0), `client ${client.doc.clientID}`)
    else
      take([draw(3) === 0 ? hostileUpdate(read.doc, draw) : bent(client.sent[0] ?? new Uint8Array(2), draw)], 'mallory')
  }
  return typed
}

test.each([true, false])(
  '[B112] an item of typing makes the same document as the bytes of its update, with keys: %s',
  (isAuthenticated) => {
    let typed = 0
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        typed += play(seed, isAuthenticated)
      }),
      { numRuns: RUNS, examples: [[1760650427], [1978993252], [1608710723], [698415948]] },
    )
    expect(typed).toBeGreaterThan(RUNS)
  },
)

test('[B112] a letter in a text is read as an item, and nothing else is', () => {
  const doc = new Y.Doc()
  const block = createBlock(doc, 'b1', { type: 'text' })
  const server = new Y.Doc()
  const rules = documentRules.open(server)
  const writer = { ...WRITER, isAuthenticated: true }
  const itemOf = (act: () => unknown): string | undefined => {
    const before = Y.encodeStateVector(doc)
    rules.inspect(Y.encodeStateAsUpdate(doc), writer)
    Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
    act()
    const update = Y.encodeStateAsUpdate(doc, before)
    expect(readTypedItem(server, update, rules.owners, 'bob')).toBeUndefined()
    const content = rules.readTyped(update, writer)?.content
    return content instanceof Y.ContentString ? content.str : undefined
  }
  const { content } = block
  expect(itemOf(() => content.insert(0, 'first'))).toBeUndefined()
  expect(itemOf(() => content.insert(5, 'l'))).toBe('l')
  expect(itemOf(() => content.insert(1, 'in the middle'))).toBe('in the middle')
  expect(itemOf(() => content.insert(1, '漢字'))).toBe('漢字')
  expect(itemOf(() => content.insert(0, 'before all'))).toBeUndefined()
  expect(itemOf(() => content.delete(1, 2))).toBeUndefined()
  expect(itemOf(() => content.format(0, 2, { bold: true }))).toBeUndefined()
  expect(itemOf(() => getBlock(doc, 'b1')?.data.set('k', 'v'))).toBeUndefined()
  expect(itemOf(() => getBlock(doc, 'b1')?.data.set('k', 'w'))).toBeUndefined()
})
