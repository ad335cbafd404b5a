import { Worker } from 'node:worker_threads'
import { openMemoryStore } from '@joinery/log'
import { encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { type Refusal, UNRULED, type Writer } from '../content/document-rules.ts'
import type { ServerLimits } from '../limits.ts'
import { offlineLists } from '../testing/offline-lists.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

const COUNT = 1_500
/** Rules that can only estimate what a long update costs. */
const rules = {
  open: () => ({
    ...UNRULED,
    inspect: (update: Uint8Array, { isTried }: Writer): Refusal | undefined =>
      update.length > COUNT && !isTried
        ? { code: 'too_costly', reason: 'too much by estimate', isEstimate: true }
        : undefined,
  }),
}

let fixture: ServerFixture
afterEach(() => fixture.close())

const store = openMemoryStore()
let workspaces = 0
/** A workspace whose list somebody else has written to, and the update of one who was offline meanwhile. */
async function begin(
  limits: Partial<ServerLimits> = {},
): Promise<{ w: string; first: Uint8Array; second: Uint8Array }> {
  fixture = await ServerFixture.start({ store })
  const w = `w${workspaces++}`
  const [first, second] = offlineLists(COUNT) as [Uint8Array, Uint8Array]
  const writer = await fixture.client(`${w}?joinery=1`).synced()
  writer.send(encodeUpdate(first))
  await isDurable(writer)
  await fixture.close()
  fixture = await ServerFixture.start({ store, rules, limits })
  return { w, first, second }
}
const isDurable = (client: RawClient): Promise<void> =>
  client.until(() => client.closed !== undefined || client.message('durable')?.frames === client.sentUpdates)
const type = async (client: RawClient): Promise<void> => {
  client.text.insert(0, 'x')
  await isDurable(client)
  expect(client.closed).toBeUndefined()
}
async function expectShown(w: string, updates: readonly Uint8Array[], text: string): Promise<void> {
  const reader = await fixture.client(w).synced()
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  expect(reader.doc.getArray('list').toJSON()).toEqual(doc.getArray('list').toJSON())
  expect(reader.text.toString()).toBe(text)
}

describe('an update that is heavy by estimate', () => {
  it('[S242] is tried and taken in turns, while others go on; its sender’s later edits wait behind it', async () => {
    const { w, first, second } = await begin()
    const [ada, bob, eve] = await Promise.all([
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client('elsewhere?joinery=1').synced(),
    ])
    await Promise.all([ada, bob, eve].map(isDurable))
    const before = ada.sentUpdates
    const later = new Y.Doc()
    later.getText('t').insert(0, 'later')
    ada.inOneGo(encodeUpdate(second), encodeUpdate(Y.encodeStateAsUpdate(later)))
    for (let edit = 0; edit < 5; edit++) await Promise.all([type(bob), type(eve)])
    // Ten edits of others were taken, and the heavy one was not through its trial.
    expect(ada.message('durable')?.frames ?? 0).toBe(before)
    const records = fixture.server.counters.records
    await isDurable(ada)
    expect(fixture.server.counters).toMatchObject({ trials: 1, trialsRefused: 0, rebuilds: 0 })
    // The list came in several turns, each a record, and the text behind it.
    expect(fixture.server.counters.records - records).toBeGreaterThan(2)
    await bob.until(() => bob.doc.getArray('list').length === 2 * COUNT && bob.text.length === 10)
    await expectShown(w, [first, second], bob.text.toString())
  })

  it('[S242] is taken in one turn when it fits into one, also as the answer to SyncStep1', async () => {
    const { w, first, second } = await begin({ trialTurnMs: 1e9 })
    const records = fixture.server.counters.records
    const ada = fixture.client(`${w}?joinery=1`, { answersStep1: false })
    await ada.synced()
    ada.send(encodeSyncStep2(second))
    await isDurable(ada)
    expect(fixture.server.counters.records - records).toBe(1)
    await expectShown(w, [first, second], '')
  })

  it('[S243] is refused when it takes too long, and so is what its sender sends after it; others go on', async () => {
    const { w, first, second } = await begin({ trialMs: 1 - COUNT * 0.05 })
    const [ada, bob, stock] = await Promise.all([
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client(w).synced(),
    ])
    await Promise.all([ada, bob].map(isDurable))
    ada.send(encodeUpdate(second))
    ada.text.insert(0, 'y')
    await ada.until(() => ada.message('rejected') !== undefined)
    expect(ada.message('rejected')).toMatchObject({
      ...{ frame: ada.sentUpdates - 1, code: 'too_costly' },
      reason: expect.stringMatching(/^the update was tried and costs too much: it takes \d+ ms, more than 1 ms/),
    })
    await type(bob)
    stock.send(encodeUpdate(second))
    await stock.until(() => stock.closed !== undefined)
    expect(stock.closed).toMatchObject({ code: 4403, reason: expect.stringContaining('too_costly') })
    expect(fixture.server.counters).toMatchObject({ trialsRefused: 2, rebuilds: 0 })
    await expectShown(w, [first], 'x')
  })

  it('[S243] that takes more memory than a trial has is refused, and the server goes on', async () => {
    const { w, first } = await begin({ trialHeapBytes: 16 * 1024 * 1024, trialStructs: 10_000 })
    const [ada, bob] = await Promise.all([
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client(`${w}?joinery=1`).synced(),
    ])
    const doc = new Y.Doc()
    doc.transact(() => {
      for (let key = 0; key < 100_000; key++) doc.getMap('m').set(`${key}`, [key])
    })
    ada.send(encodeUpdate(Y.encodeStateAsUpdate(doc)))
    await ada.until(() => ada.message('rejected') !== undefined)
    expect(ada.message('rejected')).toMatchObject({ code: 'too_costly', reason: expect.stringContaining('16 MiB') })
    await type(bob)
    await expectShown(w, [first], 'x')
  })

  it('[S241] whose sender finds too many waiting is not lost: the client connects again later', async () => {
    const { w, second } = await begin({ trialWaitMs: 0, trialsMax: 0 })
    const ada = await fixture.client(`${w}?joinery=1`).synced()
    ada.send(encodeUpdate(second))
    await ada.until(() => ada.closed !== undefined)
    expect(ada.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('too_slow') })
  })

  it('[S242] that other content under its client id overtakes meanwhile is refused aloud', async () => {
    const { w, second } = await begin()
    const [ada, bob] = await Promise.all([
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client(`${w}?joinery=1`).synced(),
    ])
    await isDurable(bob)
    ada.send(encodeUpdate(second))
    const other = new Y.Doc()
    other.clientID = 2
    other.getText('t').insert(0, 'other')
    bob.send(encodeUpdate(Y.encodeStateAsUpdate(other)))
    await isDurable(bob)
    await ada.until(() => ada.message('rejected') !== undefined)
    expect(ada.message('rejected')).toMatchObject({ code: 'client_id_owned' })
  })
})

describe('[S410] a thread that is killed while it tries an update', () => {
  afterEach(() => vi.restoreAllMocks())

  /** Kills the thread in the middle of each of the next `deaths` trials. Returns how many it has killed. */
  function kill(deaths: number): () => number {
    let killed = 0
    const { postMessage } = Worker.prototype
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...given) {
      postMessage.apply(this, given)
      if ((given[0] as { type: string }).type === 'try' && killed < deaths) {
        killed++
        void this.terminate()
      }
    })
    return () => killed
  }

  it('has the update tried once more, and taken', async () => {
    const killed = kill(1)
    const { w, first, second } = await begin()
    const [ada, bob] = await Promise.all([
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client(`${w}?joinery=1`).synced(),
    ])
    ada.send(encodeUpdate(second))
    await type(bob)
    await isDurable(ada)
    expect(killed()).toBe(1)
    expect(fixture.server.counters.trials).toBe(2)
    await expectShown(w, [first, second], 'x')
  })

  it('has the update refused when that happens again, and the next update tried', async () => {
    const killed = kill(2)
    const { w, first, second } = await begin()
    const [ada, bob] = await Promise.all([
      fixture.client(`${w}?joinery=1`).synced(),
      fixture.client(`${w}?joinery=1`).synced(),
    ])
    ada.send(encodeUpdate(second))
    await ada.until(() => ada.message('rejected') !== undefined)
    expect(ada.message('rejected')).toMatchObject({ code: 'too_costly' })
    expect(killed()).toBe(2)
    await expectShown(w, [first], '')
    bob.send(encodeUpdate(second))
    await isDurable(bob)
    await expectShown(w, [first, second], '')
  })
})

it('[S244] a program’s update whose time grows with its square is refused, also with megabytes of text beside it', async () => {
  fixture = await ServerFixture.start({ rules })
  const writer = { actor: 'bob', source: 'user_action', sources: undefined, isAuthenticated: false }
  const [first, second] = offlineLists(4_000) as [Uint8Array, Uint8Array]
  const text = new Y.Doc()
  text.getText('t').insert(0, 'x'.repeat(8 * 1024 * 1024))
  const padded = Y.mergeUpdates([second, Y.encodeStateAsUpdate(text)])
  expect(await fixture.server.workspaces.bring(W, { writer, via: 'http', update: first })).toMatchObject({ lsn: 1 })
  expect(await fixture.server.workspaces.bring(W, { writer, via: 'http', update: padded })).toMatchObject({
    refusal: { code: 'too_costly', reason: expect.stringContaining('smaller updates') },
  })
  expect(fixture.server.counters).toMatchObject({ records: 1, trialsRefused: 1 })
})
