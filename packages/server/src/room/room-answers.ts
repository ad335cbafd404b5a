import { CLOSE, encodeUpdate } from '@joinery/protocol'
import type { ColdDocument } from '../content/cold-document.ts'
import type { RoomContent } from '../content/room-content.ts'
import { RoomDocument } from '../content/room-document.ts'
import type { Stamps } from '../content/stamps.ts'
import { isStateVector } from '../content/state-vector.ts'
import type { StoredState } from '../content/stored-state.ts'
import { beingLoaded, ServerError } from '../server-error.ts'
import type { Connection } from './connection.ts'

/*
 * What a room tells one connection of what it holds: from the document, or from what is stored. That may have to be read,
 * and what was read may be out of date by then for all but its own part.
 */

/** When what a room holds may be shown to those who come: undefined for at once. */
type Showable = Promise<void> | undefined

/**
 * Sends what the holder of `stateVector` lacks, the SyncStep2 last, once that is `showable`; ends the connection when it
 * can't be told. One answer at a time: a few bytes ask for megabytes, so of the questions that come meanwhile the last is
 * answered, in a later turn and after what lies in the socket has gone out.
 */
export function answerSyncStep1(
  room: RoomContent,
  connection: Connection,
  stateVector: Uint8Array,
  showable: Showable,
): void {
  const content = room.open?.content
  if (content === undefined) return connection.refuse(beingLoaded())
  if (!isStateVector(stateVector)) {
    return connection.refuse(new ServerError('bad_frame', 'SyncStep1 holds no Yjs state vector'))
  }
  if (connection.isBeingAnswered) {
    connection.asksAgain = stateVector
    return
  }
  connection.isBeingAnswered = true
  const answer = (from: RoomDocument | StoredState): void => {
    const messages = from.answer(stateVector)
    whenShowable(showable, () => {
      for (const message of messages) connection.write(message)
      connection.onceReady(() => takeNextQuestion(connection))
    })
  }
  if (content instanceof RoomDocument) answer(content)
  else withStored(room, content, connection, answer)
}

function takeNextQuestion(connection: Connection): void {
  const stateVector = connection.asksAgain
  connection.isBeingAnswered = false
  connection.asksAgain = undefined
  if (stateVector !== undefined) connection.room?.receive(connection, { type: 'syncStep1', stateVector })
}

/** Sends a slow reader, who has what `stateVector` says, what it has missed since, once that is `showable`. */
export function catchUp(room: RoomContent, connection: Connection, stateVector: Uint8Array, showable: Showable): void {
  const content = room.open?.content
  if (content === undefined) return connection.close(CLOSE.tryLater, 'too_slow: the workspace is being loaded again')
  const send = (updates: readonly Uint8Array[]): void =>
    whenShowable(showable, () => {
      for (const update of updates) connection.send(encodeUpdate(update))
    })
  if (content instanceof RoomDocument) return send([content.diff(stateVector)])
  withStored(room, content, connection, (stored) => send(stored.diff(stateVector)))
}

/** What never becomes durable is never shown: its store closes, and its connections with it. */
function whenShowable(showable: Showable, show: () => void): void {
  if (showable === undefined) show()
  else showable.then(show, () => undefined)
}

/** Calls `use` with who last touched what, as of that moment; ends the connection when that can't be told. */
export function withStamps(room: RoomContent, connection: Connection, use: (stamps: Stamps) => void): void {
  const content = room.open?.content
  if (content === undefined) return connection.refuse(beingLoaded())
  if (content instanceof RoomDocument) return use(content.stamps)
  withStored(room, content, connection, (stored) => {
    // Read a while ago: what has been written since stands in the document.
    const now = room.open?.content
    use(now instanceof RoomDocument ? now.stamps : stored.stamps())
  })
}

/** Runs `use` on what is stored, which takes a while when it has to be read: `connection` waits for it, or is turned away. */
function withStored(
  room: RoomContent,
  cold: ColdDocument,
  connection: Connection,
  use: (stored: StoredState) => void,
): void {
  const { atHand } = cold
  if (atHand !== undefined) return use(atHand)
  cold.read().then(use, (error: unknown) => {
    connection.refuse(beingLoaded())
    room.fail(cold, error)
  })
}
