import { CLOSE, type CloseCode } from '@joinery/protocol'
import type { Logger } from 'pino'
import { UpdateError } from '../content/apply-update.ts'
import type { Refusal } from '../content/document-rules.ts'
import type { Counters } from '../counters.ts'
import { REFUSALS } from '../server-error.ts'
import type { Member } from './member.ts'

/** Close codes of refused updates, for clients that know no `rejected` message; 4403 for codes that are not listed. */
const CLOSE_OF: Partial<Record<Refusal['code'], CloseCode>> = {
  too_large: CLOSE.tooLarge,
  bad_update: CLOSE.badFrame,
  // A stock client may go on with its next document or token, or once the edits that it builds on have arrived.
  client_id_owned: CLOSE.refusedForNow,
  pending_too_large: CLOSE.refusedForNow,
  // As where one of these refuses a client that joins.
  quota_bytes: REFUSALS.quota_bytes.close,
  quota_workspaces: REFUSALS.quota_workspaces.close,
}

/** The counters and the logger in which refusals are noted. */
interface Notes {
  readonly counters: Counters
  readonly logger: Logger
}

export const READ_ONLY: Refusal = {
  code: 'read_only',
  reason: 'this token allows reading only: ask for one with access "write"',
}

/** Refusal of edits that were withheld and that their writer has not sent. */
export const NOT_YOURS: Refusal = {
  code: 'client_id_owned',
  reason: 'these edits have a client id of another writer, who has not sent them: make a new Y.Doc',
}

/**
 * Codes of refusals that are about edits of others. After a crash the sender may just be the first to send such edits.
 */
const RELAY_CODES: ReadonlySet<Refusal['code']> = new Set([
  'client_id_owned',
  'forbidden_actor',
  'forbidden_source',
  'foreign_run',
])

/** Whether a refusal is about edits of others, whose writers may still bring them. */
export function isAboutOthers({ code, isLasting }: Refusal): boolean {
  return RELAY_CODES.has(code) && isLasting !== true
}

/**
 * Tells the sender that frame number `frame` is refused, and takes nothing more from it: later frames may build on this
 * one.
 */
export function refuseUpdate(member: Member, frame: number, refusal: Refusal, notes: Notes): void {
  member.intake = 'refused'
  noteRefusal(member, refusal, notes, { frame })
  if (member.wire.wantsJoinery) {
    const { code, reason } = refusal
    return member.tell({ type: 'rejected', frame, code, reason })
  }
  member.wire.close(CLOSE_OF[refusal.code] ?? CLOSE.forbidden, `${refusal.code}: ${refusal.reason}`)
}

/** Counts and logs a refusal. Returns the refusal. */
export function noteRefusal(
  member: Member,
  refusal: Refusal,
  { counters, logger }: Notes,
  about: { frame?: number } = {},
): Refusal {
  counters.refuse(refusal.code)
  const { wire, identity, room } = member
  const from = { workspace: room?.workspace, connection: wire.id, actor: identity.actor }
  logger.info({ ...from, ...about, ...refusal }, 'update refused')
  return refusal
}

/**
 * Closes a member that relayed edits which only their writers may send. The member may have seen them just before a
 * crash. Once their writers have sent them again, the client can sync.
 */
export function refuseRelay(member: Member): void {
  member.intake = 'refused'
  const reason = 'load_failed: edits of others must come from their writers first: connect later'
  member.wire.close(member.wire.wantsJoinery ? CLOSE.tryLater : CLOSE.refusedForNow, reason)
}

/**
 * Closes a member on whose update the server itself failed. The client keeps its edits, and sends them when it
 * reconnects.
 */
export function giveUpOn(member: Member): void {
  member.intake = 'refused'
  member.wire.close(CLOSE.tryLater, 'load_failed: the server failed on this update: reconnect and send it again')
}

/** The refusal of an update that spoilt the document; undefined when the fault is the server's. */
export function refusalOfSpoiler(error: unknown): Refusal | undefined {
  if (error instanceof PendingError) return { code: 'pending_too_large', reason: error.message }
  if (error instanceof UpdateError) return { code: 'bad_update', reason: error.message }
  return undefined
}

/** Thrown when too many bytes of updates wait for other updates that have not arrived. */
export class PendingError extends Error {
  constructor(bytesMax: number) {
    super(`too many updates build on others that were not sent, at most ${bytesMax} bytes are allowed: sync first`)
  }
}
