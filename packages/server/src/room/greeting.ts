import type { Durability, WorkspaceLog } from '@joinery/log'
import type { RejectionCode, Writable } from '@joinery/protocol'
import type { DocumentRules } from '../content/document-rules.ts'
import type { Loaded } from '../content/room-loader.ts'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import { SERVER_VERSION } from '../server-version.ts'
import type { Member } from './member.ts'
import { isLate } from './replication-watch.ts'

/**
 * Greets a new member: sends hello, then SyncStep1, then `everybody`. Without SyncStep1 the client would never send its
 * offline edits. A client whose local copy is of another generation gets hello and is closed, and none of its edits are
 * taken. A damaged workspace sends no SyncStep1, since it could not take the answer.
 *
 * @param everybody messages with everybody's presence
 */
export function greet(
  member: Member,
  { log, content, damage }: Loaded,
  everybody: readonly Uint8Array[],
  { store, limits, rules }: { store: { readonly durability: Durability }; limits: ServerLimits; rules: DocumentRules },
): void {
  const { identity, generation } = member
  member.tell({
    type: 'hello',
    generation: log.generation ?? '',
    serverVersion: SERVER_VERSION,
    durability: store.durability,
    ...(log.replication?.isAwaited && { isReplicated: true }),
    actor: identity.actor,
    source: identity.source,
    access: identity.access,
    updateBytesMax: updateBytesMaxFor(identity.access, limits),
    ...(rules.machines !== undefined && { machines: rules.machines }),
  })
  if (generation !== undefined && generation !== log.generation) {
    member.intake = 'refused'
    const message = 'the local copy belongs to another history of this workspace: set it aside and start anew'
    member.refuse(new ServerError('generation_mismatch', message))
    return
  }
  const writable = damage === undefined ? writableOf(log) : notWritable('quarantined', damage.message)
  if (writable.code !== undefined) member.tell(writable)
  if (identity.access === 'write' && damage === undefined) {
    member.ask(content.syncStep1(member.writer))
  }
  for (const message of everybody) member.wire.write(message)
}

/** Bytes of one update frame that a member may send. A reader sends one only to hear that the server has its edits already. */
function updateBytesMaxFor(access: 'read' | 'write', { updateBytesMax, readerFrameBytesMax }: ServerLimits): number {
  return access === 'write' ? updateBytesMax : Math.min(updateBytesMax, readerFrameBytesMax)
}

/** Tells members that storage has failed, or that it works again. In the second case asks for the dropped updates. */
export function tellStorage(members: Iterable<Member>, { log, content }: Loaded): void {
  const message = writableOf(log)
  const step1 = content.syncStep1()
  for (const member of members) {
    member.tell(message)
    if (message.isWritable && member.hasDropped) member.ask(step1)
  }
}

/** Codes of a log that takes no records for another reason than a failing disk. */
const HELD: Readonly<Record<string, RejectionCode>> = { storage_full: 'storage_full', no_quorum: 'not_replicated' }

/** The message that tells clients whether their updates can be logged. */
function writableOf(log: Pick<WorkspaceLog, 'state' | 'replication'>): Writable {
  const { state } = log
  if (state.state === 'open' && isLate(log)) {
    const reason = 'the edits are on this server, and reach no other machine now: they are saved once they do'
    return { type: 'writable', isWritable: true, code: 'not_replicated', reason }
  }
  if (state.state === 'open') return { type: 'writable', isWritable: true, code: undefined, reason: '' }
  const error = 'error' in state ? state.error : undefined
  return notWritable(HELD[error?.code ?? ''] ?? 'storage_failed', error?.message ?? 'the log is closed')
}

function notWritable(code: RejectionCode, reason: string): Writable {
  return { type: 'writable', isWritable: false, code, reason }
}
