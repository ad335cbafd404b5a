import { parentPort, workerData } from 'node:worker_threads'
import type { Beat } from '@joinery/protocol'
import type { BeatThreadData, FromBeatThread, ToBeatThread } from './beat-messages.ts'

/*
 * The thread that sends signs of life: its event loop turns when that of the worker is busy. It does not decide anything.
 */

/** Beats in the time of one lease: two may be lost. */
const BEATS_PER_LEASE = 3
/** Progress is sent no more often, ms. */
const TOLD_MS = 1_000
/** Longest wait after a beat that got no answer, ms. */
const RETRY_MS = 1_000

const { url, token: first, turns, loopStallMs } = workerData as BeatThreadData
const port = parentPort
if (port === null) throw new Error('this program is a thread of the worker: start the worker')
const counter = new Int32Array(turns)

interface Watched {
  readonly leaseMs: number
  timer: NodeJS.Timeout | undefined
  /** Values to send; those of a beat that failed are kept unless newer ones came. */
  told: Beat
  isNew: boolean
  isSending: boolean
  sentMs: number
}

const watched = new Map<string, Watched>()
let token = first
let seen = Atomics.load(counter, 0)
let turnedMs = performance.now()

const tell = (message: FromBeatThread): void => port.postMessage(message)

/** How long the worker's event loop has not turned, ms. */
function stalledMs(): number {
  const now = performance.now()
  const turn = Atomics.load(counter, 0)
  if (turn !== seen) {
    seen = turn
    turnedMs = now
  }
  return Math.round(now - turnedMs)
}
setInterval(stalledMs, TOLD_MS).unref()

function schedule(lease: string, each: Watched, delayMs: number): void {
  clearTimeout(each.timer)
  each.timer = setTimeout(() => void send(lease, each), Math.max(0, delayMs))
}

async function send(lease: string, each: Watched): Promise<void> {
  if (each.isSending || watched.get(lease) !== each) return
  each.isSending = true
  each.sentMs = performance.now()
  const { told } = each
  each.isNew = false
  let nextMs = each.leaseMs / BEATS_PER_LEASE
  try {
    const stalled = stalledMs()
    const answer = await fetch(`${url}/v1/work/leases/${encodeURIComponent(lease)}/beat`, {
      method: 'POST',
      redirect: 'error',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ ...told, ...(stalled >= loopStallMs && { stalledMs: stalled }) }),
      signal: AbortSignal.timeout(each.leaseMs),
    })
    const text = await answer.text()
    if (answer.ok) {
      if (isCancel(text)) tell({ type: 'heard', lease, what: 'cancel' })
    } else if (answer.status === 404 || answer.status === 409) {
      tell({ type: 'heard', lease, what: 'lease_lost' })
      watched.delete(lease)
    } else {
      if (answer.status === 401) tell({ type: 'unauthorized' })
      // Values that the server does not take must not end the lease.
      else if (answer.status < 500 && each.told === told) each.told = {}
      throw new Error(`the server answered ${answer.status}`)
    }
  } catch {
    // The server is away, or refuses for now: the lease stands until it says otherwise, so the beat is sent again.
    each.isNew = true
    nextMs = Math.min(RETRY_MS, each.leaseMs / (2 * BEATS_PER_LEASE))
  } finally {
    each.isSending = false
  }
  if (watched.get(lease) !== each) return
  const sinceMs = performance.now() - each.sentMs
  schedule(lease, each, (each.told === told ? nextMs : Math.min(nextMs, TOLD_MS)) - sinceMs)
}

function isCancel(text: string): boolean {
  try {
    const answer: unknown = JSON.parse(text)
    return answer === 'cancel' || (answer as { answer?: unknown } | null)?.answer === 'cancel'
  } catch {
    return false
  }
}

port.on('message', (message: ToBeatThread) => {
  if (message.type === 'token') {
    token = message.token
    return
  }
  const { lease } = message
  const each = watched.get(lease)
  if (message.type === 'watch') {
    const { leaseMs } = message
    const begun = { leaseMs, timer: undefined, told: {}, isNew: false, isSending: false, sentMs: performance.now() }
    watched.set(lease, begun)
    schedule(lease, begun, leaseMs / BEATS_PER_LEASE)
  } else if (message.type === 'forget') {
    clearTimeout(each?.timer)
    watched.delete(lease)
  } else if (each !== undefined) {
    each.told = { ...each.told, ...message.beat }
    if (each.isNew) return
    each.isNew = true
    if (!each.isSending) schedule(lease, each, TOLD_MS - (performance.now() - each.sentMs))
  }
})
