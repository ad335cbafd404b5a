import { expect, it } from 'vitest'
import type { Lsn } from '../lsn.ts'
import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { inspectStore } from './inspect-store.ts'

const makeDirectory = testDirectories()

it('[L89] inspectStore tells where workspaces begin and end, what they weigh, and which are deleted', async () => {
  const store = await openLevelStore({ directory: await makeDirectory(), durability: 'async' })
  const log = await store.open('a')
  const update = Buffer.alloc(50_000, 'wood ')
  for (let n = 1; n <= 4; n++) await log.append(sampleEntry(n, { update, idempotencyKey: `key ${n}` })).durable
  await log.snapshot({ lsn: 3 as Lsn, state: update })
  await (await store.open('b')).create()
  const gone = await store.open('c')
  await gone.append(sampleEntry(1)).durable
  await gone.close()
  await store.tombstone('c')
  const { workspaces, damaged } = await inspectStore(store)
  expect(damaged).toEqual([])
  const [a, b, c] = workspaces
  expect(a).toMatchObject({ workspace: 'a', generation: log.generation, firstLsn: 1, head: 4, updateBytes: 200_000 })
  expect(a).toMatchObject({ records: { count: 4 }, keys: { count: 4 }, segments: { count: 0 } })
  expect(a?.snapshots).toMatchObject({ count: 1, lsns: [3] })
  expect(a?.records.bytes).toBeLessThan(2_000)
  expect(b).toMatchObject({ workspace: 'b', head: 0, records: { count: 0, bytes: 0 } })
  expect(c).toMatchObject({ workspace: 'c', deleted: { isPurging: false } })
  expect((await inspectStore(store, { workspace: 'b' })).workspaces).toEqual([b])
  await expect(inspectStore(store, { workspace: 'd' })).rejects.toMatchObject({ code: 'invalid' })
  await store.close()
})
