import { LogError } from '@joinery/log'
import { afterEach, expect, it } from 'vitest'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

/** A store whose workspace `w` has the text `good bad`. The last record, with `bad`, can't be read. */
async function damaged(): Promise<GatedStore> {
  const store = new GatedStore()
  const before = await ServerFixture.start({ store })
  const writer = await before.client('w?joinery=1').synced()
  for (const word of ['good', ' bad']) {
    writer.text.insert(writer.text.length, word)
    const frames = writer.sentUpdates
    await writer.until(() => writer.message('durable')?.frames === frames)
  }
  await before.close()
  store.damagedLsn = 2
  return store
}

it('[S33] a damaged workspace is served as far as it is intact, for reading, and others notice nothing', async () => {
  const store = await damaged()
  fixture = await ServerFixture.start({ store })
  const [ada, stock, other] = await Promise.all([
    fixture.client('w?joinery=1').synced(),
    fixture.client('w').synced(),
    fixture.client('other?joinery=1').synced(),
  ])
  expect([ada.text.toString(), stock.text.toString()]).toEqual(['good', 'good'])
  expect(ada.message('writable')).toMatchObject({ isWritable: false, code: 'quarantined' })
  expect(ada.message('writable')?.reason).toContain('record 2')
  expect(ada.frames.some(({ type }) => type === 'syncStep1')).toBe(false)
  expect(other.message('writable')).toBeUndefined()
  expect(fixture.server.load()).toMatchObject({ quarantined: 1 })
  expect(fixture.server.counters.quarantined).toBe(1)
  other.text.insert(0, 'fine')
  await other.until(() => other.message('durable')?.frames === 2)
})

it('[S33] an edit of a damaged workspace stays with a client that knows why, and closes a stock client', async () => {
  const store = await damaged()
  fixture = await ServerFixture.start({ store })
  const [ada, stock, reader] = await Promise.all([
    fixture.client('w?joinery=1').synced(),
    fixture.client('w').synced(),
    fixture.client('w').synced(),
  ])
  ada.text.insert(0, 'mine ')
  stock.text.insert(0, 'mine too ')
  await stock.until(() => stock.closed !== undefined)
  expect(stock.closed?.code).toBe(4410)
  await expect(
    fixture.server.workspaces.write(W, { writer: { actor: 'a', source: 's' }, via: 'test', run: () => 1 }),
  ).rejects.toMatchObject({ code: 'quarantined' })
  expect(await fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString())).toBe('good')
  expect([ada.closed, ada.message('rejected'), ada.message('durable')]).toEqual([undefined, undefined, undefined])
  expect([reader.text.toString(), reader.closed]).toEqual(['good', undefined])
  await fixture.close()
  store.damagedLsn = undefined
  expect(await store.records('w')).toHaveLength(2)
})

it('[S33] a workspace without a last good state is refused, never served as an empty one', async () => {
  const store = await damaged()
  store.damagedLsn = 1
  fixture = await ServerFixture.start({ store })
  const client = fixture.client('w')
  await client.until(() => client.closed !== undefined)
  expect(client.closed?.code).toBe(4410)
  expect(client.frames).toEqual([])
  await expect.poll(() => store.openLogs).toBe(0)
})

it('[S33] damage that is found while people are connected closes them, and they get the last good state when they reconnect', async () => {
  const store = await damaged()
  store.damagedLsn = undefined
  fixture = await ServerFixture.start({ store, limits: { coldBytesMax: 0 } })
  const client = await fixture.client('w?joinery=1').synced()
  expect(client.text.toString()).toBe('good bad')
  store.damagedLsn = 2
  client.text.insert(0, 'more ')
  await client.until(() => client.closed !== undefined)
  expect(client.closed?.code).toBe(1013)
  const again = await fixture.client('w?joinery=1').synced()
  expect(again.message('writable')).toMatchObject({ code: 'quarantined' })
  expect(again.text.toString()).toBe('good')
})

it('[S33] storage that fails while a damaged workspace is read is not taken for damage', async () => {
  const store = await damaged()
  store.readError = new LogError('storage_failed', 'the disk does not answer')
  fixture = await ServerFixture.start({ store })
  const client = fixture.client('w')
  await client.until(() => client.closed !== undefined)
  expect(client.closed?.code).toBe(1013)
  expect(fixture.server.counters.quarantined).toBe(0)
})
