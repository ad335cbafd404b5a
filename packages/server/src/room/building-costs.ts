import { RoomDocument } from '../content/room-document.ts'
import type { Loaded } from '../content/room-loader.ts'
import type { Ledger } from '../ledger.ts'
import type { Member } from './member.ts'

export interface CostsContext {
  readonly ledger: Ledger
}

/** Has the members for whom a document was built pay for it, by equal parts. Content that is served as bytes costs nothing. */
export function payForBuilding(members: Iterable<Member>, loaded: Loaded | undefined): void {
  if (!(loaded?.content instanceof RoomDocument)) return
  const payers = [...members]
  if (payers.length === 0) return
  const nowMs = performance.now()
  const eachMs = loaded.content.takeBuiltMs() / payers.length
  for (const member of payers) member.pay(eachMs, nowMs, false)
}

/** Has the principal that visits a document pay for building it, unless others have. Nobody pays for a visit without a payer. */
export function payForVisit(
  principal: string | undefined,
  workspace: string,
  document: RoomDocument,
  ledger: Ledger,
): void {
  const builtMs = document.takeBuiltMs()
  if (principal === undefined || builtMs === 0) return
  ledger.book({ principal, workspace }, performance.now() - builtMs, false)
}
