import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { API_LIMITS } from '../api-limits.ts'
import { FREE_COSTS, PayingCallers } from '../request-work.ts'
import { ApiFixture } from '../testing/api-fixture.ts'
import { replayTurns } from './replay-turns.ts'

it('[H141] a page of history ends with the record that makes it too large, and the next goes on behind it', async () => {
  await using api = await ApiFixture.start({ limits: { pageBytesMax: 3_000 } })
  for (const id of ['a', 'b', 'c', 'd', 'e'])
    await api.call('PUT', `/blocks/${id}`, { type: 'text', content: 'x'.repeat(1_000) })
  await api.call('PATCH', '/blocks/a', { content: 'y'.repeat(9_000) })
  const pages: number[][] = []
  for (let after: number | null = 0; after !== null; ) {
    const { body } = await api.call('GET', `/history?as=changes&after=${after}`)
    pages.push(body.records.map(({ lsn }: { lsn: number }) => lsn))
    after = body.next
  }
  expect(pages).toEqual([[1, 2, 3], [4, 5, 6], []])
})

it('[H142] long answers that a caller does not read have a bound, beyond which the caller is told so, and nobody else', async () => {
  const perActor = 700_000
  await using api = await ApiFixture.start({ limits: { answersInFlightPerActorBytesMax: perActor } })
  await api.call('PUT', '/blocks/a', { type: 'text', content: 'x'.repeat(450_000) })
  const ask = async (actor: string) =>
    (await api.call('GET', '/blocks/a', undefined, { 'x-joinery-actor': actor })).status
  const socket = connect(Number(new URL(api.server.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  // The kernel keeps some of them.
  socket.write('GET /v1/workspaces/w/blocks/a HTTP/1.1\r\nHost: localhost\r\nX-Joinery-Actor: deaf\r\n\r\n'.repeat(16))
  await expect.poll(() => ask('deaf')).toBe(503)
  expect(await ask('ada')).toBe(200)
  socket.destroy()
  await expect.poll(() => ask('deaf')).toBe(200)
})

it('[H143] a request that waits for its write keeps the place of the past that it read, and lets others have their turns', async () => {
  const limits = { ...API_LIMITS, replaysMax: 1, replaysOpenMax: 2, replaysOpenPerActorMax: 2, replaysWaitingMax: 0 }
  const turns = replayTurns(limits)
  const work = new PayingCallers(FREE_COSTS, limits).begin({ principal: 'ada', workspace: undefined })
  const gate = Promise.withResolvers<string>()
  const written = turns.take((turn) => work.inTurns(turn).aside(gate.promise), 'ada')
  expect(await turns.take(async () => 'read', 'ben')).toBe('read')
  const second = turns.take((turn) => work.inTurns(turn).aside(gate.promise), 'ada')
  await expect(turns.take(async () => 'read', 'ben')).rejects.toMatchObject({ code: 'busy' })
  gate.resolve('written')
  expect(await Promise.all([written, second])).toEqual(['written', 'written'])
  expect(await turns.take(async () => 'read', 'ben')).toBe('read')
})
