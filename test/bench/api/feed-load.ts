import { request } from 'node:http'
import { HttpCaller } from '../../api/http-caller.ts'
import { percentile } from '../load/percentile.ts'
import { readProcessUsage } from '../load/process-usage.ts'

export interface FeedFigures {
  readonly eventsPerSecond: number
  /** From the record's time to its arrival, over all consumers and events. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMicrosPerEvent: number
}

/** One writer, many consumers of one workspace. Resolves when each consumer has every event; throws if one misses any. */
export async function loadFeed(url: string, pid: number, consumers: number, writes: number): Promise<FeedFigures> {
  using writer = new HttpCaller(url)
  await writer.call('PUT', '/v1/workspaces/w/blocks/b', { type: 'text', fields: { n: 0 } })
  const delays: number[] = []
  const readers = await Promise.all(Array.from({ length: consumers }, () => openReader(url, writes, delays)))
  const cpuBefore = readProcessUsage(pid).cpuMicros
  const startMs = performance.now()
  for (let n = 1; n <= writes; n++) await writer.call('PATCH', '/v1/workspaces/w/blocks/b', { fields: { n } })
  await Promise.all(readers.map(({ done }) => done))
  const seconds = (performance.now() - startMs) / 1000
  const cpu = readProcessUsage(pid).cpuMicros - cpuBefore
  const events = consumers * writes
  return {
    eventsPerSecond: events / seconds,
    p50Ms: percentile(delays, 0.5),
    p99Ms: percentile(delays, 0.99),
    cpuMicrosPerEvent: cpu / events,
  }
}

function openReader(url: string, count: number, delays: number[]): Promise<{ done: Promise<void> }> {
  return new Promise((resolveOpen, rejectOpen) => {
    const sent = request(`${url}/v1/workspaces/w/events?after=1`, (response) => {
      const done = new Promise<void>((resolve, reject) => {
        let next = 2
        let text = ''
        response.setEncoding('utf8')
        response.on('error', reject)
        response.on('end', () => reject(new Error(`a feed ended before event ${next}`)))
        response.on('data', (chunk: string) => {
          text += chunk
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const event = /^id: (\d+)\n.*"at":(\d+)/s.exec(text.slice(0, end))
            text = text.slice(end + 2)
            if (event === null) continue
            if (Number(event[1]) !== next++) return reject(new Error(`event ${event[1]} came instead of ${next - 1}`))
            delays.push(Date.now() - Number(event[2]))
            if (next > count + 1) {
              sent.destroy()
              return resolve()
            }
          }
        })
      })
      done.catch(() => undefined)
      resolveOpen({ done })
    })
    sent.on('error', rejectOpen)
    sent.end()
  })
}
