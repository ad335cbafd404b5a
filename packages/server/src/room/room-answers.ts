import { CLOSE } from '@joinery/protocol'
import type { ColdDocument } from '../content/cold-document.ts'
import type { RoomContent } from '../content/room-content.ts'
import { RoomDocument } from '../content/room-document.ts'
import type { Stamps } from '../content/stamps.ts'
import { countStateVector } from '../content/state-vector.ts'
import type { Pace, Steps } from '../content/steps.ts'
import type { StoredState } from '../content/stored-state.ts'
import { encodingUpdates } from '../content/sync-answer.ts'
import { beingLoaded, ServerError } from '../server-error.ts'
import { type Answering, holdUpdates, IDLE, lackingOf, type Member, releaseUpdates } from './member.ts'

/*
 * The answers of a room to one member, from the document or from the stored state. The stored state may have to be read first.
 * Once the read is done, the document may have newer edits: members get those as updates. Updates are held until the answer has
 * gone out: if a crash lost the edits of both, a member with the later ones alone would wait for the others for ever.
 */

const BUSY: Answering = { state: 'busy', next: undefined }

/**
 * Bytes of a state vector that is read in the turn in which it comes: of some thousand clients. One of 90,000 takes 30 ms, and many may
 * come at once.
 */
const AT_ONCE_BYTES = 8 * 1024

/** Returns when the room's edits may be shown to newcomers; undefined when they may be shown at once. */
type Showable = () => Promise<void> | undefined

/**
 * Sends a member that has `stateVector` everything that it lacks, the SyncStep2 last, once that is `showable`. Ends the
 * connection when the stored state can't be read.
 *
 * The room sends one answer at a time, since a question of a few bytes may cost megabytes. Of the questions that come
 * meanwhile, only the last is answered, in a later turn and after the bytes in the socket have gone out.
 */
export function answerSyncStep1(room: RoomContent, member: Member, stateVector: Uint8Array, showable: Showable): void {
  if (room.loaded === undefined) return member.refuse(beingLoaded())
  if (member.answering.state === 'busy') {
    member.answering = { state: 'busy', next: stateVector }
    return
  }
  member.answering = BUSY
  if (lackingOf(member) !== undefined) holdUpdates(member)
  if (stateVector.length <= AT_ONCE_BYTES) return answerNow(room, member, stateVector, showable)
  void room.turns.pause().then(() => {
    if (member.isOpen) answerNow(room, member, stateVector, showable)
  })
}

function answerNow(room: RoomContent, member: Member, stateVector: Uint8Array, showable: Showable): void {
  const { stateVectorClientsMax } = member.limits
  const sinceMs = performance.now()
  const clients = countStateVector(stateVector, stateVectorClientsMax)
  if (clients === undefined) {
    return member.refuse(new ServerError('bad_frame', 'the SyncStep1 frame has no readable Yjs state vector'))
  }
  if (clients > stateVectorClientsMax) {
    const reason = `the state vector names ${clients} clients, at most ${stateVectorClientsMax} are allowed: make a new Y.Doc, and copy the content into it`
    return member.refuse(new ServerError('too_large', reason))
  }
  member.charge(sinceMs)
  makeInTurns(room, member, {
    steps: (from, pace) => from.answer(stateVector, pace),
    use: (messages) =>
      whenShowable(showable, () => {
        for (const message of messages) member.wire.write(message)
        releaseUpdates(member)
        member.onceReady(() => takeNextQuestion(member))
      }),
  })
}

function takeNextQuestion(member: Member): void {
  const { answering } = member
  member.answering = IDLE
  const stateVector = answering.state === 'busy' ? answering.next : undefined
  if (stateVector !== undefined) member.room?.receive(member, { type: 'syncStep1', stateVector })
}

/** Sends a slow reader that has `stateVector` everything that it has missed since, once that is `showable`. */
export function catchUp(room: RoomContent, member: Member, stateVector: Uint8Array, showable: Showable): void {
  if (room.loaded === undefined)
    return member.wire.close(CLOSE.tryLater, 'too_slow: updates were missed: connect again')
  holdUpdates(member)
  makeInTurns(room, member, {
    steps: (from, pace) => missedSince(from, stateVector, pace),
    use: (messages) =>
      whenShowable(showable, () => {
        for (const message of messages) member.wire.write(message)
        releaseUpdates(member)
      }),
  })
}

function* missedSince(from: RoomDocument | StoredState, stateVector: Uint8Array, pace: Pace) {
  return yield* encodingUpdates(yield* from.diff(stateVector, pace), pace)
}

/** Long work for one member. */
interface Task<T> {
  steps(from: RoomDocument | StoredState, pace: Pace): Steps<T>
  use(result: T): void
}

/**
 * Does a task for a member: at once if it is short, or else in turns between which others have theirs. Begins anew when the room has
 * built its document anew, or dropped it, meanwhile: the former one may have edits that were undone. A stored state stays as it was read.
 */
function makeInTurns<T>(room: RoomContent, member: Member, task: Task<T>): void {
  const content = room.loaded?.content
  if (content === undefined) {
    // A room that can't be loaded, or closes, refuses its members by itself.
    return void room.whenLoaded().then(
      () => makeInTurns(room, member, task),
      () => undefined,
    )
  }
  const make = (from: RoomDocument | StoredState): void => {
    const steps = task.steps(from, room.turns.pace)
    const goOn = (): void => {
      if (!member.isOpen) return
      if (from === content && room.loaded?.content !== content) return makeInTurns(room, member, task)
      const sinceMs = performance.now()
      let part: { readonly value: T } | undefined
      try {
        part = room.turns.part(steps)
      } catch (error) {
        member.refuse(beingLoaded())
        return void room.fail(content, error)
      }
      member.charge(sinceMs)
      if (part === undefined) void room.turns.pause().then(goOn)
      else task.use(part.value)
    }
    goOn()
  }
  if (content instanceof RoomDocument) make(content)
  else withStored(room, content, member, make)
}

/**
 * Calls `show` once that is `showable`. If `showable` rejects, the edits never become durable, and the connections
 * close.
 */
function whenShowable(showable: Showable, show: () => void): void {
  const shown = showable()
  if (shown === undefined) show()
  else shown.then(show, () => undefined)
}

/** Calls `use` with the stamps as of that moment. Ends the connection when they can't be read. */
export function withStamps(room: RoomContent, member: Member, use: (stamps: Stamps) => void): void {
  const content = room.loaded?.content
  if (content === undefined) return member.refuse(beingLoaded())
  if (content instanceof RoomDocument) return use(content.stamps)
  withStored(room, content, member, (stored) => {
    // The read took a while: if the room has a document by now, its stamps are newer.
    const now = room.loaded?.content
    use(now instanceof RoomDocument ? now.stamps : stored.stamps())
  })
}

/** Calls `use` with the stored state, which may have to be read first. Refuses the member when reading fails. */
function withStored(room: RoomContent, cold: ColdDocument, member: Member, use: (stored: StoredState) => void): void {
  const { atHand } = cold
  if (atHand !== undefined) return use(atHand)
  cold.read().then(use, (error: unknown) => {
    member.refuse(beingLoaded())
    room.fail(cold, error)
  })
}
