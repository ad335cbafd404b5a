import { RoomDocument } from '../content/room-document.ts'
import type { Loaded } from '../content/room-loader.ts'
import type { Member } from './member.ts'

/** Has the members for whom a document was built pay for it, by equal parts. Content that is served as bytes costs nothing. */
export function payForBuilding(members: Iterable<Member>, loaded: Loaded | undefined): void {
  if (!(loaded?.content instanceof RoomDocument)) return
  const payers = [...members]
  const nowMs = performance.now()
  for (const member of payers) member.pay(loaded.content.builtMs / payers.length, nowMs, false)
}
