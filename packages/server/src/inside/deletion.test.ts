import { openMemoryStore } from '@joinery/log'
import { afterEach, expect, it } from 'vitest'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const names = async (all: AsyncIterable<string>): Promise<string[]> => Array.fromAsync(all)

it('[S36] a deleted workspace ends its connections for good, and opens for nobody until it is taken back', async () => {
  fixture = await ServerFixture.start()
  const { workspaces } = fixture.server
  const [ada, stock, other] = await Promise.all([
    fixture.client('w?joinery=1').synced(),
    fixture.client('w').synced(),
    fixture.client('other').synced(),
  ])
  ada.text.insert(0, 'kept')
  await stock.until(() => stock.text.toString() === 'kept')
  await workspaces.delete(W)
  await Promise.all([ada, stock].map((client) => client.until(() => client.closed !== undefined)))
  expect([ada.closed?.code, stock.closed?.code, other.closed]).toEqual([4411, 4411, undefined])
  const late = fixture.client('w')
  await late.until(() => late.closed !== undefined)
  expect(late.closed).toMatchObject({ code: 4411, reason: expect.stringContaining('workspace_deleted') })
  await expect(workspaces.read(W, () => 0)).rejects.toMatchObject({ code: 'workspace_deleted' })
  expect([await names(workspaces.names()), await names(workspaces.deleted())]).toEqual([[], ['w']])
  await workspaces.undelete(W)
  const back = await fixture.client('w').synced()
  expect(back.text.toString()).toBe('kept')
})

it('[S36] a purged workspace is gone, and its name begins another history', async () => {
  const store = openMemoryStore()
  fixture = await ServerFixture.start({ store })
  const { workspaces } = fixture.server
  const before = await fixture.client('w?joinery=1').synced()
  before.text.insert(0, 'gone')
  await before.until(() => before.message('durable')?.frames === 2)
  const generation = before.message('hello')?.generation
  await expect(workspaces.purge(W)).rejects.toMatchObject({ code: 'invalid' })
  await workspaces.delete(W)
  await workspaces.purge(W)
  const stale = fixture.client(`w?joinery=1&generation=${generation}`)
  await stale.until(() => stale.closed !== undefined)
  expect(stale.closed?.code).toBe(4409)
  const fresh = await fixture.client('w?joinery=1').synced()
  expect([fresh.text.toString(), fresh.message('hello')?.generation === generation]).toEqual(['', false])
})

it('[S36] a workspace is replaced with nobody in it, and a client that joins meanwhile gets the other history', async () => {
  const store = openMemoryStore()
  fixture = await ServerFixture.start({ store })
  const { workspaces } = fixture.server
  const before = await fixture.client('w?joinery=1').synced()
  before.text.insert(0, 'damaged')
  await before.until(() => before.message('durable')?.frames === 2)
  const generation = before.message('hello')?.generation
  let late: ReturnType<typeof fixture.client> | undefined
  const replaced = await workspaces.replace(W, async () => {
    late = fixture.client('w?joinery=1')
    await new Promise((resolve) => late?.ws.once('open', resolve))
    await store.tombstone(W)
    await store.purge(W)
    return 'done'
  })
  await before.until(() => before.closed !== undefined)
  expect([replaced, before.closed?.code]).toEqual(['done', 1013])
  await late?.synced()
  expect([late?.text.toString(), late?.message('hello')?.generation === generation]).toEqual(['', false])
  await expect(workspaces.replace(W, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect((await fixture.client('w').synced()).text.toString()).toBe('')
})

it('[S36] a client that joins while a workspace is being deleted waits for that, and gets no room', async () => {
  const store = new GatedStore()
  const log = await store.inner.open('w')
  await log.create()
  await log.close()
  fixture = await ServerFixture.start({ store })
  const { workspaces } = fixture.server
  const early = await fixture.client('w').synced()
  const loading = Promise.withResolvers<void>()
  const deleted = workspaces.delete(W)
  store.openGate = loading.promise
  const late = fixture.client('w')
  await new Promise((resolve) => late.ws.once('open', resolve))
  const read = workspaces.read(W, () => 0).catch((error: { code: string }) => error.code)
  loading.resolve()
  await deleted
  await Promise.all([early, late].map((client) => client.until(() => client.closed !== undefined)))
  expect([early.closed?.code, late.closed?.code, await read]).toEqual([4411, 4411, 'workspace_deleted'])
  expect(store.openLogs).toBe(0)
})

it('[S36] a workspace that never existed can’t be deleted, and no connection is closed', async () => {
  fixture = await ServerFixture.start()
  const client = await fixture.client('w').synced()
  await expect(fixture.server.workspaces.delete(W)).rejects.toMatchObject({ code: 'invalid' })
  client.text.insert(0, 'still here')
  const other = await fixture.client('w').synced()
  await other.until(() => other.text.toString() === 'still here')
  expect(client.closed).toBeUndefined()
})
