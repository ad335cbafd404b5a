import type { EventStore, StoreState } from '@joinery/log'
import type { RejectionCode, Writable } from '@joinery/protocol'
import type { OpenContent } from '../content/room-content.ts'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import { SERVER_VERSION } from '../server-version.ts'
import type { Connection } from './connection.ts'

/**
 * Says hello, then SyncStep1, without which offline edits never come up, then who is present (`everybody`, one frame). A
 * connection whose local copy is of another generation hears hello and is turned away: nothing it sent or sends is taken
 * in. A damaged workspace asks for nothing: it could not take the answer.
 */
export function greet(
  connection: Connection,
  { log, content, damage }: OpenContent,
  everybody: Uint8Array | undefined,
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
  const writable = damage === undefined ? writableOf(store.state) : notWritable('quarantined', damage.message)
  if (!writable.isWritable) connection.tell(writable)
  if (identity.access === 'write' && damage === undefined) {
    connection.awaitsSyncStep2 = true
    connection.send(content.syncStep1())
  }
  if (everybody !== undefined) connection.send(everybody)
}

/** What clients hear of the storage's state. */
export function writableOf(state: StoreState): Writable {
  if (state.state === 'open') return { type: 'writable', isWritable: true, code: undefined, reason: '' }
  const error = state.state === 'failed' ? state.error : undefined
  const code = error?.code === 'storage_full' ? 'storage_full' : 'storage_failed'
  return notWritable(code, error?.message ?? 'the log is closed')
}

function notWritable(code: RejectionCode, reason: string): Writable {
  return { type: 'writable', isWritable: false, code, reason }
}
