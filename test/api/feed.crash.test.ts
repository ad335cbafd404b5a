import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { startApiServer } from './api-process.ts'
import { FeedReader } from './feed-reader.ts'
import { HttpCaller } from './http-caller.ts'

const KILLS = process.env.JOINERY_NIGHTLY ? 10 : 3
const WRITES_PER_LIFE = 60
const CONSUMERS = 3

/** Makes writes with a key each, and repeats each until it is answered. Returns the LSN of the last. */
async function write(url: string, from: number, count: number): Promise<number> {
  using caller = new HttpCaller(url)
  let lsn = 0
  for (let n = from; n < from + count; ) {
    try {
      const body = { type: 'counter', content: `text ${n}`, fields: { n } }
      const answer = await caller.call('PUT', '/v1/workspaces/w/blocks/b', body, { 'idempotency-key': `write-${n}` })
      expect(answer.status, answer.text).toBeLessThan(300)
      lsn = Number(answer.headers['x-joinery-lsn'])
      n++
    } catch (error) {
      if (!(error instanceof Error) || !/ECONN|socket hang up|cut off/.test(error.message)) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return lsn
}

it('[H21] three consumers see every LSN once and in order over servers killed under writers', async () => {
  await using directory = await tempDirectory()
  const port = await freePort()
  const config = { directory: directory.path, port }
  let server = await startApiServer(config)
  try {
    await write(server.url, 0, 1)
    const url = `${server.url}/v1/workspaces/w/events`
    const readers = Array.from({ length: CONSUMERS }, () => new FeedReader(url))
    for (let kill = 0; kill < KILLS; kill++) {
      const first = 1 + kill * WRITES_PER_LIFE
      const writing = write(server.url, first, WRITES_PER_LIFE)
      await readers[kill % CONSUMERS]?.reach(first + WRITES_PER_LIFE / 2)
      await server.child.end('SIGKILL')
      server = await startApiServer(config)
      await writing
    }
    const last = await write(server.url, 1 + KILLS * WRITES_PER_LIFE, 1)
    for (const reader of readers) await reader.reach(last)
    const lsns = Array.from({ length: last }, (_, index) => index + 1)
    for (const { events } of readers) {
      expect(events.map(({ lsn }) => lsn)).toEqual(lsns)
      expect(events).toEqual(readers[0]?.events)
    }
    // Every write took effect once: each has its record, and nothing else was written.
    expect(last).toBe(2 + KILLS * WRITES_PER_LIFE)
    for (const reader of readers) {
      expect(reader.connections).toBeGreaterThan(KILLS)
      await reader.stop()
    }
  } finally {
    await server.child.end('SIGKILL')
  }
})
