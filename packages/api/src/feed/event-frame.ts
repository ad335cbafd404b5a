import type { ChangeEvent } from './change-event.ts'

/** Encodes one server-sent event. Its id is the LSN: a client that reconnects sends it as `Last-Event-ID`. */
export function encodeChange(event: ChangeEvent): Buffer {
  return Buffer.from(`id: ${event.lsn}\nevent: change\ndata: ${JSON.stringify(event)}\n\n`)
}

/** Encodes the last event to a consumer that is too far behind. Its stream ends after it. */
export function encodeBehind(restartAfter: number): Buffer {
  return Buffer.from(`event: behind\ndata: ${JSON.stringify({ restartAfter })}\n\n`)
}

/** Encodes the last event to a consumer whose token is good no longer: `why` is `expired` or `revoked`. */
export function encodeUnauthorized(why: string): Buffer {
  return Buffer.from(`event: unauthorized\ndata: ${JSON.stringify({ why })}\n\n`)
}

/** The first bytes of a stream. They tell the client to reconnect after a second. */
export const STREAM_START = Buffer.from('retry: 1000\n: joinery\n\n')
/** A comment, which keeps proxies from ending a silent stream. */
export const KEEP_ALIVE = Buffer.from(': still here\n\n')
