import type { WorkspaceLog } from '@joinery/log'
import type { AwarenessState } from '@joinery/protocol'
import * as Y from 'yjs'
import { type AnnouncedIds, mayShare } from '../content/announced-ids.ts'
import type { ColdDocument } from '../content/cold-document.ts'
import { RoomDocument } from '../content/room-document.ts'
import type { Loaded } from '../content/room-loader.ts'
import type { Member } from './member.ts'

/** Awareness state of a client that is gone. */
const GONE = 'null'

/** The room in which a member announces its client id. */
interface Place {
  readonly workspace: string
  readonly loaded: Loaded | undefined
  /** Learns who owns which client id, and settles the ids of the members then. */
  learnOwners(cold: ColdDocument): void
  /** Has the log remember that the member owns its client id beside those that have written under it. */
  keepOwner(member: Member, log: WorkspaceLog, document: RoomDocument): void
}

/** Notes the client id that a member's connection named when it connected, as the SDK does. */
export function noteNamedId(member: Member, place: Place, announced: AnnouncedIds): void {
  const { clientId } = member.wire
  if (clientId !== undefined) noteOwnId(member, clientId, place, announced)
}

/**
 * Learns a connection's own client id from its first awareness frame, unless it named one when it connected. A y-websocket client
 * sends that frame when it connects, with its own state alone; later frames may hold states that peers gave it.
 */
export function noteAnnouncement(
  member: Member,
  states: readonly AwarenessState[],
  place: Place,
  announced: AnnouncedIds,
): void {
  if (member.hasAnnounced) return
  member.hasAnnounced = true
  const [state] = states
  if (states.length !== 1 || state === undefined || state.json === GONE) return
  noteOwnId(member, state.clientId, place, announced)
  askForOwnEdits(member, place)
}

/** Notes that a member left: a tab that signs in as somebody else connects again at once, under the same client id. */
export function noteLeaving(member: Member, workspace: string, announced: AnnouncedIds): void {
  const { ownId } = member.writer
  if (ownId !== undefined) announced.leave(workspace, ownId, announcerOf(member), performance.now())
}

/**
 * Makes a member an owner of its client id beside those that own it already, if it may be: see {@link mayShare}. Does nothing
 * while the room does not know who owns the id; to be called again when its content is loaded.
 */
export function settleOwnId(member: Member, place: Place, announced: AnnouncedIds): void {
  const { writer, others } = member
  const { workspace, loaded } = place
  const { ownId, actor } = writer
  if (others === undefined || ownId === undefined || loaded === undefined) return
  const { content, log } = loaded
  const isLive = content instanceof RoomDocument
  // Until somebody has written under the id, it has no owners but its holders.
  if (!isLive && Y.decodeStateVector(content.stateVector()).has(ownId)) {
    if (others.justLeft.length > 0) place.learnOwners(content)
    return
  }
  const owners = isLive ? content.ownersOf(ownId) : announced.holdersOf(workspace, ownId)
  if (owners.includes(actor) || !mayShare(others, owners)) return
  announced.share(workspace, ownId, actor)
  if (!isLive || !content.shows(ownId, 1)) return
  for (const owner of [...owners, actor]) content.share(ownId, owner)
  place.keepOwner(member, log, content)
}

/** Asks a member that the room has greeted for everything under its client id, if that may have been written by others. */
export function askForOwnEdits(member: Member, { loaded }: Place): void {
  if (!(loaded?.content instanceof RoomDocument) || loaded.damage !== undefined) return
  if (loaded.content.isDoubtful(member.writer)) member.ask(loaded.content.syncStep1(member.writer))
}

function noteOwnId(member: Member, ownId: number, place: Place, announced: AnnouncedIds): void {
  member.hasAnnounced = true
  const { identity } = member
  // In development mode nobody owns an id, and a reader writes nothing.
  if (!identity.isAuthenticated || identity.access !== 'write') return
  member.writer = { ...identity, ownId }
  member.others = announced.enter(place.workspace, ownId, announcerOf(member), performance.now())
  settleOwnId(member, place, announced)
}

function announcerOf({ identity, wire }: Member) {
  const isSdk = wire.wantsJoinery && wire.clientId !== undefined
  return { actor: identity.actor, address: wire.from, isSdk }
}
