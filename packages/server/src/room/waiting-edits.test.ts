import { encodeUpdate } from '@joinery/protocol'
import { afterEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type RuledDocument, UNRULED } from '../content/document-rules.ts'
import { AT_ONCE, doAll } from '../content/steps.ts'
import { encodingShown } from '../content/update-encoding.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture | undefined
afterEach(() => fixture?.close())

/** Two updates, of which the second builds on the first. */
function twoUpdates(): [Uint8Array, Uint8Array] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  doc.getText('t').insert(0, 'a')
  doc.getText('t').insert(1, 'b')
  return updates as [Uint8Array, Uint8Array]
}

it('[S160] a newcomer is not sent edits that wait, and gets them with those that they wait for', async () => {
  fixture = await ServerFixture.start()
  const [first, second] = twoUpdates()
  const sender = await fixture.client('w?joinery=1').synced()
  sender.send(encodeUpdate(second))
  sender.doc.getMap('m').set('sent', 'later')
  const newcomer = await fixture.client('w').synced()
  await newcomer.until(() => newcomer.doc.getMap('m').has('sent'))
  expect(newcomer.doc.store.pendingStructs).toBeNull()
  sender.send(encodeUpdate(first))
  await newcomer.until(() => newcomer.doc.getText('t').toString() === 'ab')
})

it('[S160] a newcomer to a cold workspace gets the edits that wait with its snapshot, and nothing of them is lost', async () => {
  const store = new GatedStore()
  const [first, second] = twoUpdates()
  const before = await ServerFixture.start({ store, snapshots: { records: 2 } })
  const sender = await before.client('w?joinery=1').synced()
  // An edit that waits is not called durable, so another client's edits tell when the log has it.
  const other = await before.client('w?joinery=1').synced()
  sender.send(encodeUpdate(second))
  await sender.roundTrip()
  for (const value of ['later', 'last']) {
    other.doc.getMap('m').set('sent', value)
    await other.until(() => other.message('durable')?.frames === other.sentUpdates)
  }
  await expect.poll(() => before.server.counters.snapshots).toBe(1)
  await before.close()
  fixture = await ServerFixture.start({ store })
  const newcomer = await fixture.client('w').synced()
  expect(newcomer.doc.getMap('m').get('sent')).toBe('last')
  expect(newcomer.frames.map(({ type }) => type).filter((type) => /update|syncStep2/.test(type))).toEqual([
    'update',
    'syncStep2',
  ])
  expect(newcomer.doc.store.pendingStructs?.missing.size).toBe(1)
  expect(newcomer.doc.getText('t').toString()).toBe('')
  expect(fixture.server.load()).toMatchObject({ cold: 1, live: 0 })
  // The update that they wait for shows them to those who have them, and to those who come later.
  newcomer.send(encodeUpdate(first))
  const last = await fixture.client('w').synced()
  await last.until(() => last.doc.getText('t').toString() === 'ab')
  Y.applyUpdate(newcomer.doc, first)
  expect(newcomer.doc.getText('t').toString()).toBe('ab')
})

it('[S160] the rules may make waiting edits garbage just before an update that frees them', async () => {
  const asked: Uint8Array[] = []
  const rules: RuledDocument = { ...UNRULED, spoilWaiting: (update) => void asked.push(update) }
  fixture = await ServerFixture.start({ rules: { open: () => rules } })
  const [first, second] = twoUpdates()
  const sender = await fixture.client('w?joinery=1').synced()
  for (const update of [second, first]) sender.send(encodeUpdate(update))
  const other = await fixture.client('w').synced()
  await other.until(() => other.doc.getText('t').toString() === 'ab')
  expect(asked).toEqual([first])
})

it('[S160] the encoding of a document without the edits that wait leaves them waiting', () => {
  const [first, second] = twoUpdates()
  const doc = new Y.Doc()
  Y.applyUpdate(doc, second)
  expect(Y.decodeUpdate(doAll(encodingShown(doc, Uint8Array.of(0), AT_ONCE))).structs).toEqual([])
  expect(() => doAll(encodingShown(doc, Uint8Array.of(9), AT_ONCE))).toThrow()
  Y.applyUpdate(doc, first)
  expect(doc.getText('t').toString()).toBe('ab')
})
