import { type Answer, HttpCaller } from '../../api/http-caller.ts'
import { percentile } from '../load/percentile.ts'
import { readProcessUsage } from '../load/process-usage.ts'

export interface RequestFigures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the server, with all its threads. */
  readonly cpuMicrosPerRequest: number
}

export interface RequestLoad {
  readonly url: string
  readonly pid: number
  readonly method: 'GET' | 'PATCH'
  readonly connections: number
  readonly requests: number
}

/** Text of each block, characters: a paragraph or two. */
const CONTENT = 'Lorem ipsum dolor sit amet. '.repeat(20)

/**
 * Each connection asks for a block of its own, one request after the other, and writes it at the version it has seen last.
 * A tenth of the work warms up.
 */
export async function loadRequests({ url, pid, method, connections, requests }: RequestLoad): Promise<RequestFigures> {
  const callers = Array.from(
    { length: connections },
    (_, index) => new HttpCaller(url, { 'x-joinery-actor': `c${index}` }),
  )
  try {
    const seen = await Promise.all(
      callers.map(async (caller, index) => {
        const body = { type: 'text', content: CONTENT, fields: { n: 0 } }
        return etagOf(await caller.call('PUT', blockPath(index), body))
      }),
    )
    await runAll(callers, seen, method, Math.ceil(requests / 10))
    const cpuBefore = readProcessUsage(pid).cpuMicros
    const startMs = performance.now()
    const latencies = await runAll(callers, seen, method, requests)
    const seconds = (performance.now() - startMs) / 1000
    const cpu = readProcessUsage(pid).cpuMicros - cpuBefore
    return {
      perSecond: latencies.length / seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      cpuMicrosPerRequest: cpu / latencies.length,
    }
  } finally {
    for (const caller of callers) caller[Symbol.dispose]()
  }
}

/** Keeps in `seen` the version that each connection has of its block. */
async function runAll(
  callers: readonly HttpCaller[],
  seen: string[],
  method: 'GET' | 'PATCH',
  requests: number,
): Promise<number[]> {
  const latencies: number[] = []
  let left = requests
  await Promise.all(
    callers.map(async (caller, index) => {
      while (left-- > 0) {
        const isRead = method === 'GET'
        const body = isRead ? undefined : { fields: { n: left } }
        const startMs = performance.now()
        const answer = await caller.call(
          method,
          blockPath(index),
          body,
          isRead ? {} : { 'if-match': seen[index] ?? '' },
        )
        latencies.push(performance.now() - startMs)
        seen[index] = etagOf(answer)
      }
    }),
  )
  return latencies
}

/** Throws if an answer is not a success: refused work is no work. */
function etagOf({ status, headers, text }: Answer): string {
  if (status >= 300 || typeof headers.etag !== 'string') throw new Error(`the server answers ${status}: ${text}`)
  return headers.etag
}

function blockPath(index: number): string {
  return `/v1/workspaces/w/blocks/b${index}`
}
