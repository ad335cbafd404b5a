import type { HistoryRecord, RecordQuery, WorkspaceHistory } from '@joinery/client'
import { expect, it } from 'vitest'
import { ClientAuthors } from './client-authors.ts'

const record = (lsn: number, actor: string, clients: number[], mayBeOthers = false): HistoryRecord => {
  return {
    lsn,
    at: lsn,
    actor,
    source: 'user_action',
    connection: 'c',
    touched: ['b/content'],
    bytes: 1,
    clients,
    mayBeOthers,
  }
}

it('[E133] the log is read until each client has an author, a known one is not asked again, and a relayed edit names nobody', async () => {
  const asked: (number | undefined)[] = []
  const log = [record(1, 'eve', [9], true), record(2, 'ann', [1]), record(5, 'bob', [2, 1]), record(7, 'cy', [3])]
  const source: Pick<WorkspaceHistory, 'records'> = {
    records: async ({ after = 0 }: RecordQuery = {}) => {
      asked.push(after)
      const records = log.filter(({ lsn }) => lsn > after).slice(0, 2)
      return { records, next: records.length < 2 ? undefined : records.at(-1)?.lsn }
    },
  }
  const { signal } = new AbortController()
  const authors = new ClientAuthors()
  await authors.find(source, 'b', new Set([1]), signal)
  expect(asked).toEqual([0])
  await authors.find(source, 'b', new Set([1]), signal)
  expect(asked).toEqual([0])
  await authors.find(source, 'b', new Set([2, 9]), signal)
  expect(asked).toEqual([0, 2, 7])
  expect([...authors.known].map(([client, { actor }]) => [client, actor])).toEqual([
    [1, 'ann'],
    [2, 'bob'],
    [3, 'cy'],
  ])
  log.push(record(8, 'dan', [4]))
  await authors.find(source, 'b', new Set([4]), signal)
  expect([asked.at(-1), authors.known.get(4)?.actor]).toEqual([7, 'dan'])
})
