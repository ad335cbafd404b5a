import { type IncomingMessage, request } from 'node:http'
import { expect, it, vi } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'
import { type ReadEvent, readEvents } from '../testing/event-source.ts'

const EVENTS = '/v1/workspaces/w/events'

async function take(url: string, count: number, headers: Record<string, string> = {}): Promise<ReadEvent[]> {
  const events: ReadEvent[] = []
  const stop = new AbortController()
  for await (const event of readEvents(url, { headers, signal: stop.signal })) {
    events.push(event)
    if (events.length === count) break
  }
  stop.abort()
  return events
}

/** Opens a stream and does not read it. */
async function openPaused(url: string): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, resolve).on('error', reject).end()
  })
  return response.pause()
}

it('[H19] a feed tells of every record from an LSN on, once and in order, with old and new of statuses and fields', async () => {
  await using api = await ApiFixture.start()
  const url = `${api.server.url}${EVENTS}`
  await api.call('PUT', '/blocks/b', { type: 'text', fields: { n: 1 } }, { 'x-joinery-actor': 'ada' })
  const reading = take(`${url}?after=0`, 5)
  await api.call('PATCH', '/blocks/b', { fields: { n: 2 } })
  await api.call('POST', '/blocks/b/indexing/main/runs', { runId: 'r' })
  await api.call('POST', '/blocks/b/indexing/main/runs/r/reports', { status: 'done' })
  await api.call('DELETE', '/blocks/b')
  const events = await reading
  expect(events.map(({ id, event }) => [id, event])).toEqual(['1', '2', '3', '4', '5'].map((id) => [id, 'change']))
  const [added, field, started, done, gone] = events.map(({ data }) => data.blocks[0])
  expect(events[0]?.data).toMatchObject({
    lsn: 1,
    actor: 'ada',
    source: 'user_action',
    connection: 'http',
    touched: expect.arrayContaining(['b']),
  })
  expect(added).toMatchObject({ id: 'b', change: 'added', fields: [{ key: 'n', before: null, after: 1 }] })
  expect(field).toMatchObject({ change: 'changed', parts: ['fields'], fields: [{ key: 'n', before: 1, after: 2 }] })
  expect(started.indexing).toMatchObject([{ index: 'main', before: null, after: { status: 'processing' } }])
  expect(done.indexing).toMatchObject([{ index: 'main', before: { status: 'processing' }, after: { status: 'done' } }])
  expect(gone).toMatchObject({ id: 'b', change: 'removed' })
  expect((await take(`${url}?after=0`, 2, { 'last-event-id': '3' })).map(({ id }) => id)).toEqual(['4', '5'])
})

it('[H19] what a consumer catches up with from the log is what others were told live', async () => {
  await using api = await ApiFixture.start({ limits: { feedEventsMax: 3 } })
  const url = `${api.server.url}${EVENTS}`
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const live = take(`${url}?after=0`, 21)
  for (let n = 0; n < 20; n++) await api.call('PATCH', '/blocks/b', { content: `text ${n}`, fields: { n } })
  expect(await take(`${url}?after=0`, 21)).toEqual(await live)
})

it('[H20] a consumer too far behind is told where to restart, and its stream ends', async () => {
  // The server cuts the consumer off `feedStallMs` after the last event. On a busy machine, this test once went on to write
  // for longer than that, and found its stream aborted: so it reads as soon as the server has ended the stream.
  await using api = await ApiFixture.start({ limits: { feedEventsMax: 2, feedStallMs: 60_000 } })
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const handle = vi.spyOn(api.api, 'handle')
  const stalled = await openPaused(`${api.server.url}${EVENTS}?after=1`)
  const [, response] = handle.mock.calls[0] ?? expect.fail('the stream was not opened')
  // Writes until the sockets are full and events wait in the ring, which holds two.
  const value = 'x'.repeat(16_000)
  for (let n = 0; !response.writableEnded; n++) {
    const fields = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, `${n}${value}`]))
    await api.call('PATCH', '/blocks/b', { fields })
  }
  let text = ''
  for await (const chunk of stalled) text = (text + chunk).slice(-2_000_000)
  const restartAfter = JSON.parse(/event: behind\ndata: (.*)\n\n$/.exec(text)?.[1] ?? '{}').restartAfter
  expect(restartAfter).toBeGreaterThan(0)
  expect((await take(`${api.server.url}${EVENTS}?after=${restartAfter}`, 1))[0]?.id).toBe(String(restartAfter + 1))
})

it('[H20] a silent feed sends comments, and ends when the API closes', async () => {
  await using api = await ApiFixture.start({ limits: { feedKeepAliveMs: 5 } })
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const response = await fetch(`${api.server.url}${EVENTS}`)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  let hasClosed = false
  const decoder = new TextDecoder()
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (!text.includes('still here') || hasClosed) continue
    hasClosed = true
    await api.api.close()
  }
  expect(hasClosed).toBe(true)
})

it('[H20] a place beyond the log and one consumer too many are refused', async () => {
  await using api = await ApiFixture.start({ limits: { feedConsumersMax: 1 } })
  expect((await api.call('GET', '/events')).body.error.code).toBe('unknown_workspace')
  await api.call('PUT', '/blocks/b', { type: 'text' })
  expect((await api.call('GET', '/events?after=9')).body.error).toMatchObject({
    code: 'unknown_lsn',
    details: { head: 1 },
  })
  const stop = new AbortController()
  await fetch(`${api.server.url}${EVENTS}`, { signal: stop.signal })
  const second = await api.call('GET', '/events')
  expect(second.body.error.code).toBe('busy')
  expect(second.status).toBe(503)
  stop.abort()
})

it('[H20] consumers that read nothing cost one event each beyond what their sockets take, and are cut off', async () => {
  const consumers = 4
  await using api = await ApiFixture.start({
    limits: { feedEventsMax: 2, feedStallMs: 1, feedConsumersMax: consumers },
  })
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const handle = vi.spyOn(api.api, 'handle')
  const stalled = await Promise.all(
    Array.from({ length: consumers }, () => openPaused(`${api.server.url}${EVENTS}?after=1`)),
  )
  const responses = handle.mock.calls.map(([, response]) => response)
  expect(responses).toHaveLength(consumers)
  const value = 'x'.repeat(16_000)
  let [heldMost, eventBytes, told] = [0, 0, 0]
  for (let n = 0; responses.some(({ destroyed }) => !destroyed); n++) {
    const fields = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, `${n}${value}`]))
    await api.call('PATCH', '/blocks/b', { fields })
    // One event holds each field before and after.
    eventBytes = 2 * JSON.stringify(fields).length + 10_000
    told += eventBytes
    heldMost = Math.max(heldMost, ...responses.map(({ writableLength }) => writableLength))
  }
  expect(told).toBeGreaterThan(5 * eventBytes)
  expect(heldMost).toBeGreaterThan(0)
  expect(heldMost).toBeLessThan(2 * eventBytes)
  for (const socket of stalled) socket.destroy()
  // Their places are free.
  expect((await take(`${api.server.url}${EVENTS}?after=1`, 1)).length).toBe(1)
})
