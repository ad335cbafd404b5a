import { type Conflict, encodeUpdateHead } from '@joinery/protocol'
import { mergeTyping } from '../content/merge-updates.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { CURRENT, lackingOf, type Member, type Reached } from './member.ts'

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
  /** All that the members have been sent; undefined while the room is being loaded. */
  reached(): Reached | undefined
  /**
   * Sends a member that has been sent everything up to `reached` all that it lacks, or ends its connection. The document is
   * left out for a member that gets it by an answer that is on its way.
   */
  catchUp(member: Member, reached: Reached): void
  /** Tells the members of a conflict that the server has seen. */
  tellConflict(conflict: Conflict): void
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
  return tellAll(encodeUpdateMessage(update), audience, { except: sole?.from, isUpdate: true })
}

/**
 * Sends one message to the members, or to `to` of them: encoded once, the same bytes to all. A member that reads too slowly
 * gets nothing until its bytes have gone out, and then all that it has missed. So no queue grows, and nothing is lost. Every
 * message that a room sends unasked goes this way. An update is held for a member that lacks edits before it.
 *
 * @returns the number of members that got the message
 */
export function tellAll(
  message: Uint8Array,
  audience: Audience,
  {
    to = audience.members,
    except,
    isUpdate = false,
  }: { to?: Iterable<Member>; except?: Member | undefined; isUpdate?: boolean } = {},
): number {
  let deliveries = 0
  for (const member of to) {
    if (member === except || (member.reach !== CURRENT && !takesNow(member, message, isUpdate))) continue
    member.wire.write(message)
    deliveries++
    if (member.wire.isFull) lag(member, audience)
  }
  return deliveries
}

/** Whether a member that does not get all news takes a message now. Holds an update that goes out after an answer. */
function takesNow(member: Member, message: Uint8Array, isUpdate: boolean): boolean {
  if (isUpdate) lackingOf(member)?.held?.push(message)
  return member.reach.state === 'lacking' && !isUpdate
}

function encodeUpdateMessage(update: Uint8Array): Uint8Array {
  return encodeBinaryMessage(update, encodeUpdateHead(update.length))
}

function lag(member: Member, audience: Audience): void {
  const reached = audience.reached()
  if (reached === undefined) return
  member.reach = { state: 'lagging', from: reached, lacking: lackingOf(member) }
  member.wire.onceDrained(() => {
    const { reach } = member
    member.reach = lackingOf(member) ?? CURRENT
    if (reach.state === 'lagging' && audience.members.has(member)) audience.catchUp(member, reach.from)
  })
}
