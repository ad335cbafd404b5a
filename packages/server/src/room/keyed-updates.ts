import { LogError, type LogErrorCode, type WorkspaceLog } from '@joinery/log'
import { CLOSE, type Keyed, type KeyedResult, type WorkspaceId } from '@joinery/protocol'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import type { KeyedTurns } from './keyed-turns.ts'
import type { Member } from './member.ts'
import { refusalOfSpoiler } from './refused-update.ts'
import type { RoomVisit } from './room-visit.ts'

/** Keyed updates of one connection that wait at once. A client sends the next one when it was answered or gave up. */
const WAITING_MAX = 16

/** Errors of storage that fails: the client brings its update again when it works. */
const STORAGE_FAILS: ReadonlySet<LogErrorCode> = new Set(['storage_failed', 'storage_full'])

/** The part of a room that keyed updates need. */
export interface KeyedRoom {
  readonly workspace: WorkspaceId
  visit<T>(use: (visit: RoomVisit) => T | Promise<T>): Promise<T>
  hold<T>(use: (log: WorkspaceLog) => T | Promise<T>): Promise<T>
}

/** Updates that sockets bring under an idempotency key: each made once, answered when durable. */
export class KeyedUpdates {
  readonly #turns: KeyedTurns
  readonly #limits: ServerLimits
  readonly #waiting = new WeakMap<Member, Set<string>>()

  /** `turns` are those of everybody who writes under keys. */
  constructor(turns: KeyedTurns, limits: ServerLimits) {
    this.#turns = turns
    this.#limits = limits
  }

  /** Takes one keyed update of a connection that has joined `room`. */
  receive(room: KeyedRoom, member: Member, message: Keyed): void {
    if (member.intake === 'refused') return
    const waiting = this.#waiting.get(member) ?? new Set()
    this.#waiting.set(member, waiting)
    // Sent again when storage works again, while the first still waits to be durable: one answer does for both.
    if (waiting.has(message.key)) return
    if (waiting.size >= WAITING_MAX) {
      const reason = `at most ${WAITING_MAX} keyed updates wait at once: send the next one when one was answered`
      return member.refuse(new ServerError('bad_frame', reason))
    }
    const bytesMax = this.#limits.updateBytesMax
    if (message.update.length > bytesMax) {
      const reason = `a keyed update holds at most ${bytesMax} bytes, this one ${message.update.length}: send it in parts`
      return member.tell({ ...resultOf(message), outcome: 'refused', code: 'too_large', reason })
    }
    waiting.add(message.key)
    void this.#settle(room, member, message).finally(() => waiting.delete(message.key))
  }

  async #settle(room: KeyedRoom, member: Member, message: Keyed): Promise<void> {
    try {
      // Two under one key at once: the second hears what became of the first.
      const take = (): Promise<KeyedResult | undefined> => this.#make(room, member, message)
      const result = await this.#turns.take(`${room.workspace} ${message.key}`, take)
      if (result !== undefined) member.tell(result)
    } catch (error) {
      const refusal = refusalOfSpoiler(error)
      if (refusal !== undefined) return member.tell({ ...resultOf(message), outcome: 'refused', ...refusal })
      // It has heard so by `writable`, and keeps the edit.
      if (error instanceof ServerError && error.code === 'quarantined') return
      if (error instanceof ServerError) return member.refuse(error)
      // The room closes the connection, and the client brings its update to the next owner.
      if (error instanceof LogError && error.code === 'fenced') return
      if (error instanceof LogError && STORAGE_FAILS.has(error.code)) {
        // It is asked for what it has when storage works again, and brings this, too.
        member.noteDropped()
        return
      }
      member.wire.close(CLOSE.tryLater, 'load_failed: the server failed on a keyed update; it is kept on the client')
    }
  }

  /** What becomes of it, once that is durable; undefined when the connection has to bring it again, or can't. */
  async #make(room: KeyedRoom, member: Member, message: Keyed): Promise<KeyedResult | undefined> {
    const head = resultOf(message)
    const lsn = await room.hold((log) => log.lsnOfKey(message.key))
    if (lsn !== undefined) return { ...head, outcome: 'repeated', lsn }
    if (message.update.length === 0) return { ...head, outcome: 'unknown' }
    return await room.visit(async (visit) => {
      // What it builds on was refused, or is yet to be asked for.
      if (member.intake === 'refused' || member.hasDropped) return undefined
      const written = visit.writeKeyed({ member, key: message.key, update: message.update })
      if ('code' in written) return { ...head, outcome: 'refused', ...written }
      await written.durable
      return { ...head, outcome: 'applied', lsn: written.lsn }
    })
  }
}

function resultOf({ key }: Keyed): { type: 'keyedResult'; key: string } {
  return { type: 'keyedResult', key }
}
