import { CLOSE, encodeUpdate } from '@joinery/protocol'
import type { ColdDocument } from '../content/cold-document.ts'
import type { RoomContent } from '../content/room-content.ts'
import { RoomDocument } from '../content/room-document.ts'
import type { Stamps } from '../content/stamps.ts'
import { isStateVector } from '../content/state-vector.ts'
import type { StoredState } from '../content/stored-state.ts'
import { beingLoaded, ServerError } from '../server-error.ts'
import { type Answering, IDLE, type Member } from './member.ts'

/*
 * What a room tells one connection of what it holds: from the document, or from what is stored. That may have to be read,
 * and what was read may be out of date by then for all but its own part.
 */

const BUSY: Answering = { state: 'busy', next: undefined }

/** When what a room holds may be shown to those who come: undefined for at once. */
type Showable = Promise<void> | undefined

/**
 * Sends what the holder of `stateVector` lacks, the SyncStep2 last, once that is `showable`; ends the connection when it
 * can't be told. One answer at a time: a few bytes ask for megabytes, so of the questions that come meanwhile the last is
 * answered, in a later turn and after what lies in the socket has gone out.
 */
export function answerSyncStep1(room: RoomContent, member: Member, stateVector: Uint8Array, showable: Showable): void {
  const content = room.loaded?.content
  if (content === undefined) return member.refuse(beingLoaded())
  if (!isStateVector(stateVector)) {
    return member.refuse(new ServerError('bad_frame', 'SyncStep1 holds no Yjs state vector'))
  }
  if (member.answering.state === 'busy') {
    member.answering = { state: 'busy', next: stateVector }
    return
  }
  member.answering = BUSY
  const answer = (from: RoomDocument | StoredState): void => {
    const messages = from.answer(stateVector)
    whenShowable(showable, () => {
      for (const message of messages) member.wire.write(message)
      member.onceReady(() => takeNextQuestion(member))
    })
  }
  if (content instanceof RoomDocument) answer(content)
  else withStored(room, content, member, answer)
}

function takeNextQuestion(member: Member): void {
  const { answering } = member
  member.answering = IDLE
  const stateVector = answering.state === 'busy' ? answering.next : undefined
  if (stateVector !== undefined) member.room?.receive(member, { type: 'syncStep1', stateVector })
}

/** Sends a slow reader, who has what `stateVector` says, what it has missed since, once that is `showable`. */
export function catchUp(room: RoomContent, member: Member, stateVector: Uint8Array, showable: Showable): void {
  const content = room.loaded?.content
  if (content === undefined) return member.wire.close(CLOSE.tryLater, 'too_slow: the workspace is being loaded again')
  const send = (updates: readonly Uint8Array[]): void =>
    whenShowable(showable, () => {
      for (const update of updates) member.send(encodeUpdate(update))
    })
  if (content instanceof RoomDocument) return send([content.diff(stateVector)])
  withStored(room, content, member, (stored) => send(stored.diff(stateVector)))
}

/** What never becomes durable is never shown: its store closes, and its connections with it. */
function whenShowable(showable: Showable, show: () => void): void {
  if (showable === undefined) show()
  else showable.then(show, () => undefined)
}

/** Calls `use` with who last touched what, as of that moment; ends the connection when that can't be told. */
export function withStamps(room: RoomContent, member: Member, use: (stamps: Stamps) => void): void {
  const content = room.loaded?.content
  if (content === undefined) return member.refuse(beingLoaded())
  if (content instanceof RoomDocument) return use(content.stamps)
  withStored(room, content, member, (stored) => {
    // Read a while ago: what has been written since stands in the document.
    const now = room.loaded?.content
    use(now instanceof RoomDocument ? now.stamps : stored.stamps())
  })
}

/** Runs `use` on what is stored, which takes a while when it has to be read: `connection` waits for it, or is turned away. */
function withStored(room: RoomContent, cold: ColdDocument, member: Member, use: (stored: StoredState) => void): void {
  const { atHand } = cold
  if (atHand !== undefined) return use(atHand)
  cold.read().then(use, (error: unknown) => {
    member.refuse(beingLoaded())
    room.fail(cold, error)
  })
}
