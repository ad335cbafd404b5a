import { CLOSE, encodeUpdate } from '@joinery/protocol'
import type { ColdDocument } from './cold-document.ts'
import type { Connection } from './connection.ts'
import type { RoomContent } from './room-content.ts'
import { RoomDocument } from './room-document.ts'
import { beingLoaded, ServerError } from './server-error.ts'
import type { Stamps } from './stamps.ts'
import { isStateVector } from './state-vector.ts'
import type { StoredState } from './stored-state.ts'

/*
 * What a room tells one connection of what it holds: from the document, or from what is stored. That may have to be read,
 * and what was read may be out of date by then for all but its own part.
 */

/** Sends what the holder of `stateVector` lacks, the SyncStep2 last; ends the connection when that can't be told. */
export function answerSyncStep1(room: RoomContent, connection: Connection, stateVector: Uint8Array): void {
  const content = room.open?.content
  if (content === undefined) return connection.refuse(beingLoaded())
  if (!isStateVector(stateVector)) {
    return connection.refuse(new ServerError('bad_frame', 'SyncStep1 holds no Yjs state vector'))
  }
  const answer = (from: RoomDocument | StoredState): void => {
    for (const message of from.answer(stateVector)) connection.write(message)
  }
  if (content instanceof RoomDocument) answer(content)
  else withStored(room, content, connection, answer)
}

/** Sends a slow reader, who has what `stateVector` says, what it has missed since. */
export function catchUp(room: RoomContent, connection: Connection, stateVector: Uint8Array): void {
  const content = room.open?.content
  if (content === undefined) return connection.close(CLOSE.tryLater, 'too_slow: the workspace is being loaded again')
  if (content instanceof RoomDocument) return connection.send(encodeUpdate(content.diff(stateVector)))
  withStored(room, content, connection, (stored) => {
    for (const update of stored.diff(stateVector)) connection.send(encodeUpdate(update))
  })
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
