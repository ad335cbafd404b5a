import type { EventStore, StoreState, WorkspaceLog } from '@joinery/log'
import type { Writable } from '@joinery/protocol'
import type { Connection } from './connection.ts'
import type { ServerLimits } from './limits.ts'
import type { Presence } from './presence.ts'
import type { RoomDocument } from './room-document.ts'
import { ServerError } from './server-error.ts'
import { SERVER_VERSION } from './server-version.ts'

/** What a connection is greeted with. */
export interface Host {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly presence: Presence
}

/**
 * Says hello, then SyncStep1, without which offline edits never come up, then who is present. A connection whose local
 * copy is of another generation hears hello and is turned away: nothing it sent or sends is taken in.
 */
export function greet(
  connection: Connection,
  { log, document, presence }: Host,
  { store, limits }: { store: EventStore; limits: ServerLimits },
): void {
  const { identity, generation } = connection
  connection.tell({
    type: 'hello',
    generation: log.generation ?? '',
    serverVersion: SERVER_VERSION,
    durability: store.durability,
    actor: identity.actor,
    source: identity.source,
    access: identity.access,
    updateBytesMax: limits.updateBytesMax,
  })
  if (generation !== undefined && generation !== log.generation) {
    connection.isRefused = true
    const message = 'the local copy is of another history of this workspace: set it aside and start anew'
    connection.refuse(new ServerError('generation_mismatch', message))
    return
  }
  const writable = writableOf(store.state)
  if (!writable.isWritable) connection.tell(writable)
  if (identity.access === 'write') {
    connection.awaitsSyncStep2 = true
    connection.send(document.syncStep1())
  }
  const everybody = presence.everybody()
  if (everybody !== undefined) connection.send(everybody)
}

/** What clients hear of the storage's state. */
export function writableOf(state: StoreState): Writable {
  if (state.state === 'open') return { type: 'writable', isWritable: true, code: undefined, reason: '' }
  const error = state.state === 'failed' ? state.error : undefined
  const code = error?.code === 'storage_full' ? 'storage_full' : 'storage_failed'
  return { type: 'writable', isWritable: false, code, reason: error?.message ?? 'the log is closed' }
}
