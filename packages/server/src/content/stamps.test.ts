import type { Lsn } from '@joinery/log'
import { expect, it } from 'vitest'
import { Stamps } from './stamps.ts'

it('[S23] a path and those above it bear the stamp of the last record that touched them', () => {
  const stamps = new Stamps()
  stamps.note({ lsn: 1 as Lsn, at: 10, actor: 'ann', source: 'user_action', touched: ['a/content', 'b/fields/title'] })
  stamps.note({ lsn: 2 as Lsn, at: 20, actor: 'job', source: 'workflow_execution', touched: ['a/indexingList'] })
  stamps.note({ lsn: 3 as Lsn, at: 30, actor: 'ghost', source: 'polling_sync', touched: [] })
  expect(stamps.of('a')).toEqual({ lsn: 2, at: 20, actor: 'job', source: 'workflow_execution' })
  expect(stamps.of('a/content')?.actor).toBe('ann')
  expect(stamps.of('b')?.lsn).toBe(1)
  expect(stamps.of('b/fields')?.lsn).toBe(1)
  expect(stamps.of('c')).toBeUndefined()
})
