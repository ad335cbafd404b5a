import type { ChangeEvent } from './change-event.ts'

/** One server-sent event: its id is the LSN, which a client that reconnects sends back as `Last-Event-ID`. */
export function encodeChange(event: ChangeEvent): Buffer {
  return Buffer.from(`id: ${event.lsn}\nevent: change\ndata: ${JSON.stringify(event)}\n\n`)
}

/** Said to a consumer that has fallen too far behind, before its stream ends. */
export function encodeBehind(restartAfter: number): Buffer {
  return Buffer.from(`event: behind\ndata: ${JSON.stringify({ restartAfter })}\n\n`)
}

/** The first bytes of a stream: reconnect after a second. */
export const STREAM_START = Buffer.from('retry: 1000\n: joinery\n\n')
/** A comment: keeps what stands between from hanging up. */
export const KEEP_ALIVE = Buffer.from(': still here\n\n')
