import type { EventStore, WorkspaceLog } from '@joinery/log'
import { CLOSE, type Keyed, type KeyedResult, type WorkspaceId } from '@joinery/protocol'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import type { Connection } from './connection.ts'
import type { KeyedTurns } from './keyed-turns.ts'
import type { OpenRoom } from './open-room.ts'
import { refusalOfSpoiler } from './refused-update.ts'

/** Keyed updates of one connection that wait at once. A client sends the next one when it was answered or gave up. */
const WAITING_MAX = 16

/** What of a room matters here. */
export interface KeyedRoom {
  readonly workspace: WorkspaceId
  visit<T>(use: (room: OpenRoom) => T | Promise<T>): Promise<T>
  hold<T>(use: (log: WorkspaceLog) => T | Promise<T>): Promise<T>
}

/** Updates that sockets bring under an idempotency key: each made once, answered when durable. */
export class KeyedUpdates {
  readonly #turns: KeyedTurns
  readonly #store: EventStore
  readonly #limits: ServerLimits
  readonly #waiting = new WeakMap<Connection, Set<string>>()

  /** `turns` are those of everybody who writes under keys. */
  constructor(turns: KeyedTurns, store: EventStore, limits: ServerLimits) {
    this.#turns = turns
    this.#store = store
    this.#limits = limits
  }

  /** Takes one keyed update of a connection that has joined `room`. */
  receive(room: KeyedRoom, connection: Connection, message: Keyed): void {
    if (connection.isRefused) return
    const waiting = this.#waiting.get(connection) ?? new Set()
    this.#waiting.set(connection, waiting)
    // Sent again when storage works again, while the first still waits to be durable: one answer does for both.
    if (waiting.has(message.key)) return
    if (waiting.size >= WAITING_MAX) {
      const reason = `at most ${WAITING_MAX} keyed updates wait at once: send the next one when one was answered`
      return connection.refuse(new ServerError('bad_frame', reason))
    }
    const bytesMax = this.#limits.updateBytesMax
    if (message.update.length > bytesMax) {
      const reason = `a keyed update holds at most ${bytesMax} bytes, this one ${message.update.length}: send it in parts`
      return connection.tell({ ...resultOf(message), outcome: 'refused', code: 'too_large', reason })
    }
    waiting.add(message.key)
    void this.#settle(room, connection, message).finally(() => waiting.delete(message.key))
  }

  async #settle(room: KeyedRoom, connection: Connection, message: Keyed): Promise<void> {
    try {
      // Two under one key at once: the second hears what became of the first.
      const take = (): Promise<KeyedResult | undefined> => this.#make(room, connection, message)
      const result = await this.#turns.take(`${room.workspace} ${message.key}`, take)
      if (result !== undefined) connection.tell(result)
    } catch (error) {
      const refusal = refusalOfSpoiler(error)
      if (refusal !== undefined) return connection.tell({ ...resultOf(message), outcome: 'refused', ...refusal })
      // It has heard so by `writable`, and keeps the edit.
      if (error instanceof ServerError && error.code === 'quarantined') return
      if (error instanceof ServerError) return connection.refuse(error)
      if (this.#store.state.state === 'failed') {
        // It is asked for what it has when storage works again, and brings this, too.
        connection.hasDropped = true
        return
      }
      connection.close(CLOSE.tryLater, 'load_failed: the server failed on a keyed update; it is kept on the client')
    }
  }

  /** What becomes of it, once that is durable; undefined when the connection has to bring it again, or can't. */
  async #make(room: KeyedRoom, connection: Connection, message: Keyed): Promise<KeyedResult | undefined> {
    const head = resultOf(message)
    const lsn = await room.hold((log) => log.lsnOfKey(message.key))
    if (lsn !== undefined) return { ...head, outcome: 'repeated', lsn }
    if (message.update.length === 0) return { ...head, outcome: 'unknown' }
    return await room.visit(async (open) => {
      // What it builds on was refused, or is yet to be asked for.
      if (connection.isRefused || connection.hasDropped) return undefined
      const written = open.writeKeyed({ connection, key: message.key, update: message.update })
      if ('code' in written) return { ...head, outcome: 'refused', ...written }
      await written.durable
      return { ...head, outcome: 'applied', lsn: written.lsn }
    })
  }
}

function resultOf({ key }: Keyed): { type: 'keyedResult'; key: string } {
  return { type: 'keyedResult', key }
}
