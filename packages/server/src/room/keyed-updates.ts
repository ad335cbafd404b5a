import { LogError, type LogErrorCode, type WorkspaceLog } from '@joinery/log'
import { CLOSE, type Keyed, type KeyedResult, RESERVED_KEY, type WorkspaceId } from '@joinery/protocol'
import { isHeavy } from '../content/trials/heavy-update.ts'
import type { Leases } from '../leases/leases.ts'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import type { HeavyUpdates } from './heavy-updates.ts'
import type { KeyedTurns } from './keyed-turns.ts'
import type { Member } from './member.ts'
import { refusalOfSpoiler } from './refused-update.ts'
import type { Lacking } from './room-edit.ts'
import type { RoomVisit } from './room-visit.ts'

/**
 * Keyed updates of one member that may wait at once. A client normally sends the next one after the answer to the last.
 */
const WAITING_MAX = 16

/** Error codes of storage that takes nothing now. The client sends its update again when it does. */
const STORAGE_FAILS: ReadonlySet<LogErrorCode> = new Set(['storage_failed', 'storage_full', 'no_quorum'])

/** Outcome of an attempt: what the update lacks until the next one; undefined when its member sends it again, or no longer can. */
type Made = KeyedResult | Lacking | undefined

/** The part of a room that keyed updates need. */
export interface KeyedRoom {
  readonly workspace: WorkspaceId
  visit<T>(payer: string | undefined, use: (visit: RoomVisit) => T | Promise<T>): Promise<T>
  hold<T>(use: (log: WorkspaceLog) => T | Promise<T>): Promise<T>
  readonly heavy: Pick<HeavyUpdates, 'settled' | 'tryWhole' | 'withoutKnown'>
}

/** Takes the updates that clients send under an idempotency key. Each is made once, and answered when it is durable. */
export class KeyedUpdates {
  readonly #turns: KeyedTurns
  readonly #limits: ServerLimits
  readonly #leases: Leases
  readonly #waiting = new WeakMap<Member, Set<string>>()

  /** @param turns the turns of all writes under keys, those of programs included */
  constructor(turns: KeyedTurns, limits: ServerLimits, leases: Leases) {
    this.#turns = turns
    this.#leases = leases
    this.#limits = limits
  }

  /** Takes one keyed update of a member of `room`. */
  receive(room: KeyedRoom, member: Member, message: Keyed): void {
    if (member.intake === 'refused') return
    const waiting = this.#waiting.get(member) ?? new Set()
    this.#waiting.set(member, waiting)
    // The client sends the update again after a storage failure. If the first still waits, one answer serves both.
    if (waiting.has(message.key)) return
    if (waiting.size >= WAITING_MAX) {
      const reason = `too many keyed updates wait, at most ${WAITING_MAX} are allowed: send the next one after an answer`
      return member.refuse(new ServerError('bad_frame', reason))
    }
    const bytesMax = this.#limits.updateBytesMax
    if (message.update.length > bytesMax) {
      const size = message.update.length
      const reason = `the keyed update has ${size} bytes, at most ${bytesMax} are allowed: send it in parts`
      return member.tell({ ...resultOf(message), outcome: 'refused', code: 'too_large', reason })
    }
    if (message.key.startsWith(RESERVED_KEY)) {
      const reason = `keys that begin with "${RESERVED_KEY}" are the server's own: use another key`
      return member.tell({ ...resultOf(message), outcome: 'refused', code: 'forbidden_key', reason })
    }
    waiting.add(message.key)
    void this.#settle(room, member, message).finally(() => waiting.delete(message.key))
  }

  async #settle(room: KeyedRoom, member: Member, message: Keyed): Promise<void> {
    try {
      // Of two updates under one key at once, the second waits for the first and is answered as its repeat.
      const take = (): Promise<Made> => this.#make(room, member, message)
      const turn = (): Promise<Made> => this.#turns.take(`${room.workspace} ${message.key}`, take)
      let made = await turn()
      // Not within the turn: another update under this key may lack nothing.
      for (; made !== undefined && 'shown' in made; made = await turn()) {
        await made.shown
        if (!member.wire.isOpen) return
      }
      if (made !== undefined) member.tell(made)
    } catch (error) {
      const refusal = refusalOfSpoiler(error)
      if (refusal !== undefined) return member.tell({ ...resultOf(message), outcome: 'refused', ...refusal })
      if (error instanceof ServerError && error.code === 'lease_lost') {
        return member.tell({ ...resultOf(message), outcome: 'refused', code: 'lease_lost', reason: error.message })
      }
      // The client knows from `writable` that the workspace is damaged, and keeps the edit.
      if (error instanceof ServerError && error.code === 'quarantined') return
      if (error instanceof ServerError) return member.refuse(error)
      // The room closes the connection, and the client sends its update to the next owner.
      if (error instanceof LogError && error.code === 'fenced') return
      if (error instanceof LogError && STORAGE_FAILS.has(error.code)) {
        // When storage works again, the room asks the client for its edits, and the client sends this update again,
        // too.
        member.noteDropped()
        return
      }
      member.wire.close(CLOSE.tryLater, 'load_failed: the server failed on a keyed update: reconnect and send it again')
    }
  }

  /**
   * Makes one keyed update and waits until it is durable.
   */
  async #make(room: KeyedRoom, member: Member, message: Keyed): Promise<Made> {
    const head = resultOf(message)
    const lsn = await room.hold((log) => log.lsnOfKey(message.key))
    if (lsn !== undefined) return { ...head, outcome: 'repeated', lsn }
    if (message.update.length === 0) return { ...head, outcome: 'unknown' }
    // Updates that the connection sent before come first.
    while (member.isOnTrial) await room.heavy.settled
    const { heavy } = room
    const isLarge = isHeavy(message.update, this.#limits)
    const update = isLarge ? await heavy.withoutKnown(member.principal, message.update) : message.update
    const brought = { ...message, update }
    const isToBeTried = isHeavy(update, this.#limits)
    const outcome = isToBeTried ? 'estimate' : await this.#write(room, member, brought, false)
    if (outcome !== 'estimate') return outcome
    const refusal = await heavy.tryWhole(member.principal, update)
    if (refusal !== undefined) return { ...head, outcome: 'refused', code: refusal.code, reason: refusal.reason }
    const tried = await this.#write(room, member, brought, true)
    return tried === 'estimate' ? undefined : tried
  }

  /** Makes one keyed update. `estimate` when it has to be tried first. */
  async #write(room: KeyedRoom, member: Member, message: Keyed, isTried: boolean): Promise<Made | 'estimate'> {
    const head = resultOf(message)
    return await this.#leases.under(room.workspace, message.lease, (assertStands) =>
      room.visit(member.principal, async (visit) => {
        // An update that this one may build on was refused, or was dropped and is not here again yet.
        if (member.intake === 'refused' || member.hasDropped) return undefined
        assertStands()
        const written = visit.writeKeyed({ member, key: message.key, update: message.update, isTried })
        if ('code' in written) {
          if (written.isEstimate) return 'estimate'
          return { ...head, outcome: 'refused', code: written.code, reason: written.reason }
        }
        if ('shown' in written) return written
        await written.durable
        return { ...head, outcome: 'applied', lsn: written.lsn }
      }),
    )
  }
}

function resultOf({ key }: Keyed): { type: 'keyedResult'; key: string } {
  return { type: 'keyedResult', key }
}
