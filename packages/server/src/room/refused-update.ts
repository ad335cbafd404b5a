import { CLOSE, type CloseCode } from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Refusal } from '../content/document-rules.ts'
import { UpdateError } from '../content/room-document.ts'
import type { Counters } from '../counters.ts'
import type { Member } from './member.ts'

/** Close codes of refused updates for clients that know no `rejected` message; 4403 for the rest. */
const CLOSE_OF: Partial<Record<Refusal['code'], CloseCode>> = { too_large: CLOSE.tooLarge, bad_update: CLOSE.badFrame }

/** Where refusals are noted. */
interface Notes {
  readonly counters: Counters
  readonly logger: Logger
}

export const READ_ONLY: Refusal = {
  code: 'read_only',
  reason: 'this token allows reading only: ask for one with access "write"',
}

/** Refusals of what is not the sender's own, which it may just have been the first to bring. */
export const RELAY_CODES: ReadonlySet<Refusal['code']> = new Set([
  'client_id_owned',
  'forbidden_actor',
  'forbidden_source',
  'foreign_run',
])

/** Tells the sender that frame number `frame` and what builds on it were not taken, and takes nothing more from it. */
export function refuseUpdate(member: Member, frame: number, refusal: Refusal, notes: Notes): void {
  member.intake = 'refused'
  noteRefusal(member, refusal, notes, { frame })
  if (member.wire.wantsJoinery) return member.tell({ type: 'rejected', frame, ...refusal })
  member.wire.close(CLOSE_OF[refusal.code] ?? CLOSE.forbidden, `${refusal.code}: ${refusal.reason}`)
}

/** Counts and logs it; gives it back. */
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

/** It may have seen what others wrote just before a crash. They bring it themselves, and then this client may come back. */
export function sendAwayRelay(member: Member): void {
  member.intake = 'refused'
  member.wire.close(CLOSE.tryLater, 'load_failed: others have yet to bring again what they wrote before the restart')
}

/** Not the client's fault: it keeps its edits, and comes back with them. */
export function giveUpOn(member: Member): void {
  member.intake = 'refused'
  member.wire.close(CLOSE.tryLater, 'load_failed: the server failed on this update; it is kept on the client')
}

/** Why an update is refused that has spoilt the document when it was applied; undefined when the fault is not its own. */
export function refusalOfSpoiler(error: unknown): Refusal | undefined {
  if (error instanceof PendingError) return { code: 'pending_too_large', reason: error.message }
  if (error instanceof UpdateError) return { code: 'bad_update', reason: error.message }
  return undefined
}

/** Updates that build on others which never came fill more than their share. */
export class PendingError extends Error {
  constructor(bytesMax: number) {
    super(`updates that build on others not sent yet may fill ${bytesMax} bytes: sync first, then send`)
  }
}
