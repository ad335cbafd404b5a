import { CLOSE, type CloseCode } from '@joinery/protocol'
import type { Refusal } from './document-rules.ts'
import { UpdateError } from './room-document.ts'

/** Close codes of refused updates for clients that know no `rejected` message; 4403 for the rest. */
const CLOSE_OF: Partial<Record<Refusal['code'], CloseCode>> = { too_large: CLOSE.tooLarge, bad_update: CLOSE.badFrame }

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

/** How a refused update ends the connection of a client that knows no `rejected` message. */
export function closeCodeOf({ code }: Refusal): CloseCode {
  return CLOSE_OF[code] ?? CLOSE.forbidden
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
