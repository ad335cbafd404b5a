import type { StoreState } from '@joinery/log'
import type { LeaseCounts } from '../leases/lease-book.ts'
import type { RoomCounts } from '../room/rooms.ts'

/** Present numbers of connections, rooms and waiting bytes. */
export interface ServerLoad extends RoomCounts, LeaseCounts {
  readonly connections: number
  /** Number of TCP connections, of sockets and requests. */
  readonly tcpConnections: number
  /** Number of sockets that wait for the answer to their upgrade, or were refused and are not closed yet. */
  readonly unadmitted: number
  /** Bytes of frames that have not arrived completely. */
  readonly unfinishedBytes: number
  /** Bytes that wait to be sent. A message that waits for many connections counts once. */
  readonly unsentBytes: number
  /** Number of connections that are held, because storage is behind. */
  readonly held: number
  /** Number of connections that rest, because their work cost more than its share. */
  readonly resting: number
  /** Bytes of updates that are appended and not durable yet. */
  readonly backlogBytes: number
}

/** The answer of `/healthz`: 200 while edits can be made durable, 503 with the reason while they can't. */
export function healthOf(store: StoreState, load: ServerLoad): { status: 200 | 503; body: Record<string, unknown> } {
  if (store.state === 'open') return { status: 200, body: { status: 'ok', storage: 'open', ...load } }
  const reason = store.state === 'failed' ? { code: store.error.code, reason: store.error.message } : {}
  return { status: 503, body: { status: 'unavailable', storage: store.state, ...reason, ...load } }
}
