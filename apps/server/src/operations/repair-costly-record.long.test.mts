import { LogError, type Lsn } from '@joinery/log'
import { verifyDirectory } from '@joinery/log/operations'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { makeCostlyData } from './testing/costly-data.mts'
import { loadWithin, openLog, repairDemo } from './testing/trial-repair.mts'
import { loadHere } from './trial-load.mts'

it('[L122] a repair ends a workspace before the record that takes too long to load, and says which', async () => {
  const { directory, costlyLsn, head } = await makeCostlyData()
  const store = await openLog(directory)
  const log = await store.open('demo')
  const [last] = await Array.fromAsync(log.read({ after: (costlyLsn - 2) as Lsn, through: (costlyLsn - 1) as Lsn }))
  await log.close()
  const told = {
    kept: { firstLsn: 1, head: costlyLsn - 1, snapshots: 0 },
    ...{ droppedBefore: 0, droppedBehind: head - costlyLsn + 1, keptUntil: last?.at },
  }
  const looked = await repairDemo(store, directory, { isMeant: false })
  expect(looked).toMatchObject(told)
  expect(looked.problems).toEqual([
    expect.objectContaining({
      ...{ code: 'not_loadable', lsn: costlyLsn },
      message: expect.stringContaining(`because of the update of LSN ${costlyLsn}, with `),
    }),
  ])
  expect(await repairDemo(store, directory)).toMatchObject({ ...told, head: costlyLsn, remains: { entries: head + 2 } })
  await store.close()
  expect(await verifyDirectory(directory, { load: loadWithin })).toMatchObject({
    store: { workspaces: [{ problemCount: 0 }] },
  })
})

it('[L122] of a load that is slow because of all records together, that is said, and most of it is kept', () => {
  const loading = loadHere({ msMax: 100 })
  const rejected = ((): unknown => {
    try {
      // Each takes about as long as any other: none of them has half of the time.
      for (let lsn = 1; ; lsn++) loading.add(list(), lsn as Lsn)
    } catch (error) {
      return error
    }
  })()
  expect(rejected).toBeInstanceOf(LogError)
  expect(rejected).toMatchObject({ code: 'not_loadable', message: expect.stringContaining('all updates together') })
  expect((rejected as LogError).lsn).toBeGreaterThan(1)
})

/** One update that inserts 100 items. */
function list(): Uint8Array {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let index = 0; index < 100; index++) doc.getArray('list').push([{ index }])
  })
  return Y.encodeStateAsUpdate(doc)
}
