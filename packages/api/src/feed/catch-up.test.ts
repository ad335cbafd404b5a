import { type IncomingMessage, request } from 'node:http'
import { expect, it } from 'vitest'
import type { ApiLimits } from '../api-limits.ts'
import { ApiFixture } from '../testing/api-fixture.ts'
import { type ReadEvent, readEvents } from '../testing/event-source.ts'

const EVENTS = '/v1/workspaces/w/events?after=0'
const RECORDS = 24

/** A server whose log holds far more than a socket takes, and consumers that catch up with it and read nothing. */
async function withSilentConsumers(count: number, limits: Partial<ApiLimits>) {
  const api = await ApiFixture.start({ limits: { feedEventsMax: 2, feedStallMs: 600_000, replaysMax: 1, ...limits } })
  for (let n = 0; n < RECORDS; n++) {
    await api.call('PUT', '/blocks/b', { type: 'text', content: String(n % 10).repeat(400_000) })
  }
  const consumers = await Promise.all(Array.from({ length: count }, () => openPaused(`${api.server.url}${EVENTS}`)))
  return { api, consumers }
}

async function openPaused(url: string): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, resolve).on('error', reject).end()
  })
  return response.pause()
}

it('[H61] consumers that catch up and do not read keep no request for the past waiting', async () => {
  const { api, consumers } = await withSilentConsumers(2, {})
  await using _ = api
  const answers = await Promise.all([1, 5, RECORDS].map((at) => api.call('GET', `/blocks/b?at=${at}`)))
  expect(answers.map(({ status, body }) => [status, body.version])).toEqual([1, 5, RECORDS].map((at) => [200, at]))
  for (const consumer of consumers) consumer.destroy()
})

it('[H61] a consumer whose turn to catch up does not come, or is over while others wait, is told where to begin again', async () => {
  const { api, consumers } = await withSilentConsumers(1, { catchUpsMax: 1, catchUpTurnMs: 1 })
  await using _ = api
  const [silent] = consumers as [IncomingMessage]
  let last: ReadEvent | undefined
  for await (const event of readEvents(`${api.server.url}${EVENTS}`)) {
    last = event
    if (event.id === String(RECORDS)) break
  }
  if (last?.event === 'behind') {
    expect(last.data).toEqual({ restartAfter: 0 })
    silent.destroy()
    return
  }
  // The silent consumer had not filled its socket yet when the other came. Its turn was over then, unless the socket had
  // taken everything before.
  const text = await textUntil(silent, /event: behind|^id: 24$/m)
  if (!/^id: 24$/m.test(text)) expect(text).toContain('event: behind')
})

/** Reads a response until its text matches, or it ends. */
async function textUntil(response: IncomingMessage, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (pattern.test(text)) break
  }
  return text
}
