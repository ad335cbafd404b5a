import { expect, it } from 'vitest'
import { Batch, kindOf } from './batch.ts'
import { isFor, subscriptionsSchema } from './subscription-config.ts'

it('[RS33] paths of records are of three kinds, and a batch has those that were asked for', () => {
  const kinds = ['order', 'order/content', 'order/statuses', 'order/indexingList', 'order/fields', 'edges/e1'].map(
    kindOf,
  )
  expect(kinds).toEqual(['block', 'content', 'status', 'status', 'block', 'block'])
  const batch = new Batch(new Set(['content', 'status']))
  batch.add({ lsn: 4 as never, at: 1, touched: ['order', 'order/fields'] })
  expect(batch.from).toBeUndefined()
  batch.add({ lsn: 5 as never, at: 2, touched: ['order/content', 'order/fields'] })
  expect([batch.from, batch.hasOthers]).toEqual([5, false])
  batch.add({ lsn: 6 as never, at: 3, touched: ['a/b/statuses'] })
  expect([batch.from, batch.at, batch.hasOthers]).toEqual([5, 3, true])
  expect([batch.paths, batch.blocksWithStatus, batch.isCut]).toEqual([
    ['a/b/statuses', 'order/content'],
    ['a/b'],
    false,
  ])
  for (let n = 0; n < 300; n++) batch.add({ lsn: 7 as never, at: 4, touched: [`b${n}/content`] })
  expect([batch.isFull, batch.isCut, batch.paths.length]).toEqual([true, true, 200])
})

it('[RS30] a subscription is for the workspaces of its patterns', () => {
  const matches = (pattern: string, name: string) => isFor({ workspaces: [pattern] }, name)
  expect(matches('acme/*', 'acme/docs') && matches('*', 'x') && matches('shop', 'shop')).toBe(true)
  expect(matches('acme/*', 'acme') || matches('shop', 'shop2') || matches('acme/*', 'x/acme/y')).toBe(false)
})

const good = { url: 'https://hooks.example/x', workspaces: ['*'], secrets: ['hook'] }
it.each([
  ['a URL of another scheme', { url: 'ftp://hooks.example' }, /url/],
  ['a * in the middle', { workspaces: ['a*b'] }, /at its end/],
  ['an unknown kind', { events: ['everything'] }, /events/],
  ['no secret', { secrets: [] }, /secrets/],
  ['five secrets', { secrets: ['a', 'b', 'c', 'd', 'e'] }, /secrets/],
  ['a header of the server', { headers: { 'Webhook-Id': 'x' } }, /sets itself/],
  ['a token as text', { headers: { authorization: 'Bearer abc' } }, /name it by/],
  ['a pause of no time', { retryMs: [0] }, /retryMs/],
  ['an unknown field', { retries: 3 }, /retries/],
])('[RS30] a subscription with %s is refused', (_what, given, message) => {
  expect(subscriptionsSchema.safeParse({ s: { ...good, ...given } }).error?.message).toMatch(message)
  expect(subscriptionsSchema.safeParse({ s: good }).success).toBe(true)
})
