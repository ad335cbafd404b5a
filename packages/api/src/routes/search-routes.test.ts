import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

it('[H116] a search finds the passages that are most like the text, one of each block, and says by which model', async () => {
  await using api = await ApiFixture.start()
  const put = (id: string, content: string, title?: string) =>
    api.call('PUT', `/blocks/${id}`, { type: 'text', content, ...(title && { fields: { title } }) })
  await put('pump', 'The pump must be cleaned every week.\nOil is changed in May.', 'Maintenance')
  await put('trip', 'Our budget for the holiday is limited.')
  await put('empty', '')
  const { status, body } = await api.call('GET', '/search?q=cleaned%20pumps&limit=1')
  expect(status).toBe(200)
  expect(body).toMatchObject({ by: 'letters', model: 'hashed n-grams, not a language model', pending: 0, left: 0 })
  expect(body.matches).toEqual([
    { block: 'pump', start: 0, text: 'The pump must be cleaned every week.', score: expect.any(Number) },
  ])
  const titles = await api.call('GET', '/search?q=maintenances')
  expect(titles.body.matches[0]).toMatchObject({ block: 'pump', start: null, text: 'Maintenance' })
})

it.each([
  ['/search', 422, 'invalid'],
  ['/search?q=', 422, 'invalid'],
  ['/search?q=%20%20', 422, 'invalid'],
  [`/search?q=${'x'.repeat(501)}`, 422, 'invalid'],
  ['/search?q=a&limit=0', 422, 'invalid'],
  ['/search?q=a&limit=51', 422, 'invalid'],
  ['/search?q=a&limit=1e1', 422, 'invalid'],
  ['/search?q=a&of=b', 422, 'invalid'],
  ['/v1/workspaces/nowhere/search?q=a', 404, 'unknown_workspace'],
])('[H116] GET %s is answered %i %s', async (path, status, code) => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text', content: 'a' })
  const answer = await api.call('GET', path)
  expect([answer.status, answer.body.error.code]).toEqual([status, code])
})
