import { encodeUpdate } from '@joinery/protocol'
import * as Y from 'yjs'
import { encodeBinaryMessage } from '../ws-frame.ts'
import type { Connection } from './connection.ts'

/** What one connection's tick brought the others. */
export interface Forward {
  /** Undefined for the server's own. */
  readonly from: Connection | undefined
  readonly update: Uint8Array
}

/** Where a room's frames go. */
export interface Audience {
  readonly connections: ReadonlySet<Connection>
  /** Of what its connections have been sent; undefined while the room is being loaded. */
  stateVector(): Uint8Array | undefined
  /** Sends a connection what it lacks that has what `stateVector` says, or ends it. */
  catchUp(connection: Connection, stateVector: Uint8Array): void
}

/**
 * Sends a tick's updates as one: merged, framed once, the same bytes to everybody. With a sole writer, the writer is left
 * out; with several each gets its own back, which is harmless and cheaper than a frame for each. Returns how many it
 * was sent to.
 */
export function forwardUpdates(forwards: readonly Forward[], audience: Audience): number {
  if (forwards.length === 0) return 0
  const sole = forwards.length === 1 ? forwards[0] : undefined
  const update = sole === undefined ? Y.mergeUpdates(forwards.map((forward) => forward.update)) : sole.update
  return sendToAll(encodeUpdate(update), audience, sole?.from)
}

/**
 * Sends everybody what the document has had for a while already. Those who lag, too: they may have begun to while it was in
 * the document, and then what they lack is counted from a state that has it. Returns how many it was sent to.
 */
export function forwardLate(update: Uint8Array, audience: Audience): number {
  const message = encodeBinaryMessage(encodeUpdate(update))
  for (const connection of audience.connections) connection.write(message)
  return audience.connections.size
}

/** Sends one frame to every connection that keeps up, `except` one. Returns how many that were. */
export function sendToAll(frame: Uint8Array, audience: Audience, except?: Connection): number {
  let deliveries = 0
  const message = encodeBinaryMessage(frame)
  for (const connection of audience.connections) {
    if (connection === except || connection.laggingFrom !== undefined) continue
    connection.write(message)
    deliveries++
    if (connection.isFull) lag(connection, audience)
  }
  return deliveries
}

/** A slow reader gets nothing more until it has caught up, then one diff: neither a queue that grows nor a lost update. */
function lag(connection: Connection, audience: Audience): void {
  const stateVector = audience.stateVector()
  if (stateVector === undefined) return
  connection.laggingFrom = stateVector
  connection.onceDrained(() => {
    const from = connection.laggingFrom
    connection.laggingFrom = undefined
    if (from !== undefined && audience.connections.has(connection)) audience.catchUp(connection, from)
  })
}
