import { expect, it } from 'vitest'
import { resourceKeyOf, ToldStatuses, toldIn } from './told-statuses.ts'

const run = { no: 2, id: 'r', source: 'user_action' }

it('[RS33] the last status of each resource is kept, of statuses and of indexes', () => {
  const status = { block: 'order', machine: 'payment@1', name: 'deposit', status: 'captured', run }
  const index = { block: 'order', index_name: 'main', status: 'done', run }
  const told = new ToldStatuses()
  told.take(toldIn([{ ...status, status: 'processing' }, index]))
  told.take(toldIn([status, { status: 'x' }, { block: 'order', machine: 'payment@1', name: 'a' }]))
  expect(told.get(resourceKeyOf(status) ?? '')).toEqual({ status: 'captured', run: 2 })
  expect(told.get(resourceKeyOf(index) ?? '')).toEqual({ status: 'done', run: 2 })
  expect(told.list).toHaveLength(2)
})

it('[RS33] of many resources those that were told last are kept', () => {
  const told = new ToldStatuses()
  for (let n = 0; n < 1_100; n++) told.take([[`r${n}`, { status: 'pending' }]])
  told.take([['r500', { status: 'synced' }]])
  expect(told.list).toHaveLength(1_000)
  expect([told.get('r99'), told.get('r100'), told.get('r500')]).toEqual([
    undefined,
    { status: 'pending' },
    { status: 'synced' },
  ])
})
