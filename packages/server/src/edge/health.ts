import type { StoreState } from '@joinery/log'
import type { RoomCounts } from '../room/rooms.ts'

/** What is open now. */
export interface ServerLoad extends RoomCounts {
  readonly connections: number
  /** Of these, not read from, because storage is behind. */
  readonly held: number
  /** Of updates that are appended and not durable yet. */
  readonly backlogBytes: number
}

/** What `/healthz` answers: 200 while edits can be made durable, 503 with the reason while they can't. */
export function healthOf(store: StoreState, load: ServerLoad): { status: 200 | 503; body: Record<string, unknown> } {
  if (store.state === 'open') return { status: 200, body: { status: 'ok', storage: 'open', ...load } }
  const reason = store.state === 'failed' ? { code: store.error.code, reason: store.error.message } : {}
  return { status: 503, body: { status: 'unavailable', storage: store.state, ...reason, ...load } }
}
