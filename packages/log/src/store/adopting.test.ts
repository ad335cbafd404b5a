import { expect, it } from 'vitest'
import { verifyStore } from '../operations/verify-store.ts'
import { parseLsn } from '../parse-lsn.ts'
import { markOf, recordsOf } from '../testing/adopting-contract.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()

it('[L171] roll calls of before a cut say nothing of what was cut off, and those after it tell of a lost end as ever', async () => {
  const directory = await makeDirectory()
  const open = () => openLevelStore({ directory, durability: 'async' })
  let store = await open()
  let log = await store.open('w')
  await log.adopt(recordsOf(1, 3), markOf(3))
  // More than a block, so that a roll call tells of the head that is cut off.
  for (let n = 0; n < 3; n++)
    await log.append(sampleEntry(n, { update: Buffer.alloc(40_000, Math.random().toString()) })).durable
  await log.truncate(parseLsn(4))
  await store.close()
  for (let round = 0; round < 2; round++) {
    store = await open()
    log = await store.open('w')
    expect([log.head, (await log.readCut())?.head]).toEqual([4, 6])
    await store.close()
  }
  store = await open()
  log = await store.open('w')
  // Cut, closed and opened again in one run of the store.
  await log.truncate(parseLsn(3))
  await log.close()
  log = await store.open('w')
  await log.adopt(recordsOf(4, 9), markOf(9))
  await log.close()
  expect((await readAll(await store.open('w'))).map(({ lsn }) => lsn)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  const report = await verifyStore(store)
  expect([report.problems, report.workspaces.map(({ problems }) => problems)]).toEqual([[], [[]]])
  await store.close()
})
