import { encodeUpdateHead } from '@joinery/protocol'
import { mergeTyping } from '../content/merge-updates.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { CURRENT, type Member } from './member.ts'

/** An update that one member's tick brought the others. */
export interface Forward {
  /** The member that sent it, and does not get it back; undefined for the server's own edits. */
  readonly from: Member | undefined
  readonly update: Uint8Array
}

/** The receivers of a room's frames. */
export interface Audience {
  readonly members: ReadonlySet<Member>
  /** Called before an edit is sent. */
  hasNews(): void
  /** State vector of everything that the members have been sent; undefined while the room is being loaded. */
  stateVector(): Uint8Array | undefined
  /** Sends a member that has `stateVector` everything that it lacks, or ends its connection. */
  catchUp(member: Member, stateVector: Uint8Array): void
}

/**
 * Sends a tick's updates as one: merged, framed once, the same bytes to everybody. A sole writer is left out. Several
 * writers get their own edits back, which is harmless, and cheaper than a frame for each.
 *
 * @returns the number of members that got the update
 */
export function forwardUpdates(forwards: readonly Forward[], audience: Audience): number {
  if (forwards.length === 0) return 0
  audience.hasNews()
  const sole = forwards.length === 1 ? forwards[0] : undefined
  const update = sole === undefined ? mergeTyping(forwards.map((forward) => forward.update)) : sole.update
  return sendMessage(encodeUpdateMessage(update), audience, sole?.from)
}

/**
 * Sends an update that the room has held back for a while to every member, lagging ones included. A member may have
 * begun to lag meanwhile. Its later diff is counted from a state that has the update, and so would leave the update
 * out.
 *
 * @returns the number of members
 */
export function forwardLate(update: Uint8Array, audience: Audience): number {
  audience.hasNews()
  const message = encodeUpdateMessage(update)
  for (const member of audience.members) member.wire.write(message)
  return audience.members.size
}

/** Sends one frame to every member that keeps up. Returns how many members got it. */
export function sendToAll(frame: Uint8Array, audience: Audience): number {
  return sendMessage(encodeBinaryMessage(frame), audience)
}

function encodeUpdateMessage(update: Uint8Array): Uint8Array {
  return encodeBinaryMessage(update, encodeUpdateHead(update.length))
}

function sendMessage(message: Uint8Array, audience: Audience, except?: Member): number {
  let deliveries = 0
  for (const member of audience.members) {
    if (member === except || member.reach.state === 'lagging') continue
    member.wire.write(message)
    deliveries++
    if (member.wire.isFull) lag(member, audience)
  }
  return deliveries
}

/**
 * Sends a slow reader nothing until its bytes have gone out, then one diff. So no queue grows, and no update is lost.
 */
function lag(member: Member, audience: Audience): void {
  const stateVector = audience.stateVector()
  if (stateVector === undefined) return
  member.reach = { state: 'lagging', from: stateVector }
  member.wire.onceDrained(() => {
    const { reach } = member
    member.reach = CURRENT
    if (reach.state === 'lagging' && audience.members.has(member)) audience.catchUp(member, reach.from)
  })
}
