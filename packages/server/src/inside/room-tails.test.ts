import { setImmediate as nextTurn } from 'node:timers/promises'
import { LogError, type LogRecord, type Lsn, openMemoryStore } from '@joinery/log'
import { FencingStore } from '@joinery/log/testing'
import { afterEach, describe, expect, it } from 'vitest'
import type * as Y from 'yjs'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

const START = 0 as Lsn

let fixture: ServerFixture
const tails: AsyncIterator<LogRecord>[] = []
afterEach(async () => {
  await fixture.close()
  await Promise.allSettled(tails.splice(0).map((tail) => tail.return?.()))
})

const append = (run: (doc: Y.Doc) => void = (doc) => doc.getArray('a').push(['x'])) =>
  fixture.server.workspaces.write(W, { writer: { actor: 'ada', source: 'user_action' }, via: 'test', run })

function tail(after = START, signal?: AbortSignal): AsyncIterator<LogRecord> {
  const options = signal === undefined ? { after } : { after, signal }
  const opened = fixture.server.workspaces.tail(W, options)[Symbol.asyncIterator]()
  tails.push(opened)
  return opened
}

const lsnOf = async (step: Promise<IteratorResult<LogRecord>>) => (await step).value?.lsn

describe('tails of rooms', () => {
  it('[S84] a tail keeps the room open without a document, and lets it close when its caller leaves', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, limits: { roomIdleMs: 0, coolAfterMs: 0, heartbeatMs: 5 } })
    await append()
    await expect.poll(() => store.openLogs).toBe(0)
    const reader = tail()
    expect(await lsnOf(reader.next())).toBe(1)
    const { opens } = store
    for (let lsn = 2; lsn < 6; lsn++) {
      await append()
      expect(await lsnOf(reader.next())).toBe(lsn)
      await expect.poll(() => fixture.server.load().cold).toBe(1)
    }
    expect(store.opens).toBe(opens)
    await reader.return?.()
    await expect.poll(() => store.openLogs).toBe(0)
  })

  it('[S82] all tails of a workspace are given the same record, and a slow one reads from the log again', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await append()
    const [one, two, slow] = [tail(), tail(), tail()]
    for (const reader of [one, two, slow]) await reader.next()
    const steps = [one.next(), two.next()]
    await append()
    const [first, second] = await Promise.all(steps)
    expect(first?.value.lsn).toBe(2)
    expect(second?.value).toBe(first?.value)
    const { reads } = store
    expect(await lsnOf(slow.next())).toBe(2)
    expect(store.reads).toBe(reads)
    const large = 'x'.repeat(300_000)
    for (let n = 0; n < 5; n++) await append((doc) => doc.getArray('a').push([large]))
    for (let lsn = 3; lsn < 8; lsn++) expect(await lsnOf(slow.next())).toBe(lsn)
    expect(store.reads).toBe(reads + 1)
  })

  it('[S84] a tail goes on when the document is rebuilt', async () => {
    fixture = await ServerFixture.start()
    await append()
    const reader = tail()
    await reader.next()
    const next = reader.next()
    const broken = append((doc) => {
      doc.getArray('a').push(['half'])
      throw new Error('the program is wrong')
    })
    await expect(broken).rejects.toThrow('the program is wrong')
    await expect.poll(() => append().then(() => true)).toBe(true)
    expect(await lsnOf(next)).toBe(2)
  })

  it('[S83] a tail throws the refusal of a room that fails, and the next one begins where it ended', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, limits: { coolAfterMs: 0, heartbeatMs: 5 } })
    await append()
    const reader = tail()
    await reader.next()
    await expect.poll(() => fixture.server.load().cold).toBe(1)
    const next = expect(reader.next()).rejects.toMatchObject({ code: 'load_failed' })
    store.readError = new Error('the disk is gone')
    await expect(append()).rejects.toMatchObject({ code: 'load_failed' })
    await next
    store.readError = undefined
    const again = tail(1 as Lsn).next()
    await append()
    expect(await lsnOf(again)).toBe(2)
  })

  it('[S83] the tails of a workspace that another history replaces are over', async () => {
    fixture = await ServerFixture.start()
    await append()
    const reader = tail()
    await reader.next()
    const next = expect(reader.next()).rejects.toMatchObject({ code: 'load_failed' })
    await fixture.server.workspaces.replace(W, async () => undefined)
    await next
  })

  it('[S83] a tail of a damaged workspace throws quarantined, also where the damage comes to light later', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    for (let n = 0; n < 3; n++) await append()
    const reader = tail()
    for (let n = 0; n < 3; n++) await reader.next()
    const next = expect(reader.next()).rejects.toMatchObject({ code: 'quarantined' })
    store.damagedLsn = 3
    await expect(append(() => expect.fail('spoils the document'))).rejects.toThrow('spoils')
    await next
    await expect(tail().next()).rejects.toMatchObject({ code: 'quarantined' })
  })

  it('[S83] a tail throws restart when the server closes, and closed when the store does', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await append()
    const reader = tail()
    await reader.next()
    const next = expect(reader.next()).rejects.toMatchObject({ code: 'closed' })
    store.state = { state: 'closed' }
    await next
    store.state = { state: 'open' }
    const other = tail()
    await other.next()
    const last = expect(other.next()).rejects.toMatchObject({ code: 'restart' })
    await fixture.server.close()
    await last
  })

  it('[S83] a tail throws fenced when another writer takes the log, whether or not something was on its way', async () => {
    for (const isWriting of [false, true]) {
      const store = new FencingStore(openMemoryStore())
      fixture = await ServerFixture.start({ store })
      await append()
      const reader = tail()
      await reader.next()
      const next = expect(reader.next()).rejects.toMatchObject({ code: 'fenced' })
      const written = isWriting ? append().catch((error: unknown) => error) : undefined
      store.fence(W)
      await Promise.all([next, written])
      await fixture.close()
    }
  })

  it('[S83] a tail throws the error by which an append was lost', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await append()
    const reader = tail()
    await reader.next()
    const lost = Promise.withResolvers<void>()
    store.durableGate = lost.promise
    const next = expect(reader.next()).rejects.toMatchObject({ code: 'duplicate_key' })
    const written = expect(append()).rejects.toMatchObject({ code: 'duplicate_key' })
    lost.reject(new LogError('duplicate_key', 'the key was found late'))
    await Promise.all([next, written])
  })

  it('[S81] a group that is durable before an earlier one is given after it', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await append()
    const reader = tail()
    await reader.next()
    const gate = Promise.withResolvers<void>()
    store.durableGate = gate.promise
    const slow = append()
    await expect.poll(async () => (await fixture.server.workspaces.position(W)).head).toBe(2)
    store.durableGate = undefined
    let given = 0
    const next = reader.next().then((step) => {
      given = step.value.lsn
      return step
    })
    await append()
    await nextTurn()
    expect(given).toBe(0)
    gate.resolve()
    await slow
    expect(await lsnOf(next)).toBe(2)
    expect(await lsnOf(reader.next())).toBe(3)
  })

  it('[S84] a tail that reads from the log waits while storage fails', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    for (let n = 0; n < 3; n++) await append()
    const reader = tail()
    await reader.next()
    const behind = tail()
    store.state = { state: 'failed', error: new LogError('storage_failed', 'the test took the disk away') }
    const next = behind.next()
    await expect.poll(() => store.reads).toBeGreaterThan(1)
    store.state = { state: 'open' }
    expect(await lsnOf(next)).toBe(1)
  })

  it('[S84] a tail reads again when a recovery has closed its files', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await append()
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    store.readGate = first.promise
    const { reads } = store
    const next = tail().next()
    await expect.poll(() => store.reads).toBe(reads + 1)
    store.state = { state: 'failed', error: new LogError('storage_failed', 'the test took the disk away') }
    store.state = { state: 'open' }
    store.readError = new Error('the handle was closed')
    store.readGate = second.promise
    first.resolve()
    await expect.poll(() => store.reads).toBe(reads + 2)
    store.readError = undefined
    second.resolve()
    expect(await lsnOf(next)).toBe(1)
  })

  it('[S83] a tail that waits for storage or for its room ends when its signal aborts', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await append()
    const gate = Promise.withResolvers<void>()
    store.readGate = gate.promise
    const stop = new AbortController()
    const { reads } = store
    const reading = tail(START, stop.signal).next()
    await expect.poll(() => store.reads).toBe(reads + 1)
    stop.abort()
    expect((await reading).done).toBe(true)
    gate.resolve()
    await fixture.server.workspaces.replace(W, async () => undefined)
    const door = Promise.withResolvers<void>()
    store.openGate = door.promise
    const other = new AbortController()
    const opening = tail(START, other.signal).next()
    await expect.poll(() => store.opens).toBe(2)
    other.abort()
    expect((await opening).done).toBe(true)
    door.resolve()
  })
})
