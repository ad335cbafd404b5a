import { encodeUpdate } from '@joinery/protocol'
import * as Y from 'yjs'
import type { Connection } from './connection.ts'
import type { RoomDocument } from './room-document.ts'
import { encodeBinaryMessage } from './ws-frame.ts'

/** What one connection's tick brought the others. */
export interface Forward {
  readonly from: Connection
  readonly update: Uint8Array
}

/** Where a room's frames go. */
export interface Audience {
  readonly connections: ReadonlySet<Connection>
  /** The room's document as of now; undefined while it is being loaded. */
  document(): RoomDocument | undefined
  readonly sendBufferBytesMax: number
}

/**
 * Sends a tick's updates as one: merged, framed once, the same bytes to everybody. With a sole writer, the writer is left
 * out; with several each gets its own back, which is harmless and cheaper than a frame for each.
 */
export function forwardUpdates(forwards: readonly Forward[], audience: Audience): void {
  if (forwards.length === 0) return
  const sole = forwards.length === 1 ? forwards[0] : undefined
  const update = sole === undefined ? Y.mergeUpdates(forwards.map((forward) => forward.update)) : sole.update
  sendToAll(encodeUpdate(update), audience, sole?.from)
}

/** Sends one frame to every connection that keeps up, `except` one. */
export function sendToAll(frame: Uint8Array, audience: Audience, except?: Connection): void {
  const message = encodeBinaryMessage(frame)
  for (const connection of audience.connections) {
    if (connection === except || connection.laggingFrom !== undefined) continue
    connection.write(message)
    if (connection.bufferedBytes > audience.sendBufferBytesMax) lag(connection, audience)
  }
}

/** A slow reader gets nothing more until it has caught up, then one diff: neither a queue that grows nor a lost update. */
function lag(connection: Connection, audience: Audience): void {
  const document = audience.document()
  if (document === undefined) return
  connection.laggingFrom = document.stateVector()
  connection.onceDrained(() => {
    const from = connection.laggingFrom
    const now = audience.document()
    connection.laggingFrom = undefined
    if (from === undefined || !audience.connections.has(connection)) return
    if (now === undefined) return connection.close(1013, 'too_slow: the workspace is being loaded again')
    connection.send(encodeUpdate(now.diff(from)))
  })
}
