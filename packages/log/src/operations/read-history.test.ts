import { expect, it } from 'vitest'
import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { makeTestClock } from '../testing/test-clock.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { readHistory } from './read-history.ts'

const makeDirectory = testDirectories()

it('[L90] readHistory gives the last records that were written by whom, to what and when is asked for', async () => {
  const clock = makeTestClock(1_000)
  const store = await openLevelStore({ directory: await makeDirectory(), durability: 'async', clock })
  const log = await store.open('a')
  for (let n = 1; n <= 60; n++) {
    const actor = n % 2 === 0 ? 'ada' : 'bot'
    const touched = n % 3 === 0 ? ['note/content'] : [`note-${n}/content`]
    log.append(sampleEntry(n, { actor, source: n > 40 ? 'polling_sync' : 'user_action', touched }))
    clock.advance(10)
  }
  await log.create()
  await log.append(sampleEntry(61)).durable
  const lsns = async (query: object) =>
    (await readHistory(store, { workspace: 'a', limit: 5, ...query })).map(({ lsn }) => lsn)
  expect(await lsns({})).toEqual([57, 58, 59, 60, 61])
  expect(await lsns({ actor: 'bot' })).toEqual([51, 53, 55, 57, 59])
  expect(await lsns({ touched: 'note' })).toEqual([48, 51, 54, 57, 60])
  expect(await lsns({ touched: 'note-5/content' })).toEqual([5])
  expect(await lsns({ source: 'user_action', actor: 'ada', touched: 'note' })).toEqual([12, 18, 24, 30, 36])
  expect(await lsns({ since: 1_010, until: 1_040 })).toEqual([2, 3, 4])
  const [row] = await readHistory(store, { workspace: 'a', limit: 1 })
  const { update, ...stamp } = sampleEntry(61)
  expect(row).toEqual({ ...stamp, updateBytes: update.byteLength, lsn: 61, at: 1_600 })
  await expect(lsns({ workspace: 'b' })).rejects.toMatchObject({ code: 'invalid' })
  await store.close()
})
