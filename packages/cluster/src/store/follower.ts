import { type AdoptingLog, LogError, type SteadyClock } from '@joinery/log'
import type { Engine, PartMessage } from '../engine/engine.ts'
import { adoptMessages, catchUp, type Place } from '../history/catch-up.ts'
import { HistoryError } from '../history/history-error.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { isDeletion } from '../history/message.ts'
import { positionOf, START } from '../history/position.ts'
import { ofPurged } from '../history/purged-copy.ts'
import { engineNameOf, nameOfEngineName } from '../nodes/names.ts'
import { LateCopies } from './late-copies.ts'
import { localCopyOf } from './local-copy.ts'
import type { ReplicatedStore, ReplicationLogger } from './replicated-store.ts'

/** Messages that are read at once. */
const READ_LIMIT = 1_000
/** A read that gives so much is followed by the next one at once: messages, and bytes of them. */
const MUCH = { messages: 100, bytes: 1024 * 1024 }
/** Time between two looks at whether a part has lost messages, ms. */
const LOOK_END_MS = 5_000
/** Time after which a part is looked at without a hint, ms. */
const LOOK_MS = 1_000
/**
 * Time from a hint to the reading, ms: what comes meanwhile is read, and written into the copies, in one go. A copy is that much later,
 * and nobody waits for it: a takeover reads the rest.
 */
const GATHER_MS = 250

export interface FollowerOptions {
  readonly engine: Engine
  readonly store: ReplicatedStore
  readonly clock: SteadyClock
  readonly logger?: ReplicationLogger | undefined
}

/** Keeps this node's copies of all logs up to what other nodes write. */
export class Follower {
  /** Logs whose history can't be followed, and why. */
  readonly problems = new Map<string, string>()
  readonly #options: FollowerOptions
  readonly #stop = new AbortController()
  /** By the number of the part that is told of a hint. */
  readonly #wakes = new Map<number, () => void>()
  readonly #late = new LateCopies()
  /** Parts that the engine has set back, and that were read again from their first message on. */
  readonly #setBack = new Set<number>()
  readonly #lookedAtMs = new Map<number, number>()
  #unsubscribe: () => void = () => undefined
  #work: Promise<unknown> = Promise.resolve()

  private constructor(options: FollowerOptions) {
    this.#options = options
  }

  /** Rejects with the store's error. */
  static async start(options: FollowerOptions): Promise<Follower> {
    const follower = new Follower(options)
    const { engine, store } = options
    // Logs of this node's own, which have no records: their marks say how far the parts were read.
    const parts = Array.from({ length: engine.log.parts }, (_, part) => store.local.open(`!followed-${part}`))
    const places = await Promise.all(parts)
    follower.#unsubscribe = engine.log.onAppend((subject, part) => follower.#heard(subject, part))
    follower.#work = Promise.all(places.map((place, part) => follower.#followPart(part, place)))
    return follower
  }

  /** Ends. Resolves when nothing is read or written any more. Call it before the engine and the store are closed. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#unsubscribe()
    await this.#work
  }

  /** Nothing waits for what this node writes itself: it is read at the next look. */
  #heard(subject: string, part: number): void {
    const own = this.#options.store.owned.get(nameOfEngineName(subject))
    if (own === undefined || own.isFenced) this.#wakes.get(part)?.()
  }

  async #followPart(part: number, place: AdoptingLog): Promise<void> {
    const { engine, logger, clock } = this.#options
    let after: number | undefined
    let placed = { sequence: 0, atMs: 0 }
    while (!this.#stop.signal.aborted) {
      const hint = this.#hint(part)
      try {
        const generation = await place.create()
        after ??= (await place.readMark())?.sequence ?? 0
        const messages = await engine.log.readPart(part, after, READ_LIMIT)
        await this.#take(part, messages)
        after = messages.at(-1)?.sequence ?? after
        this.#settleOwned(part)
        const atMs = clock.monotonicMs()
        const sequence = this.#late.placeOf(part, after)
        if (sequence > 0 && sequence !== placed.sequence && atMs >= placed.atMs + LOOK_MS) {
          // Messages that were read since are read again after a restart, and so are those that a copy may lack.
          await place.adopt([], { ...START, sequence, generation })
          placed = { sequence, atMs }
        }
        if (isMuch(messages)) continue
        await this.#retry(part)
        if (after > 0 && (await this.#isSetBack(part, after))) {
          this.#setBack.add(part)
          this.#late.forgetPart(part)
          after = 0
          continue
        }
      } catch (error) {
        // It is tried again: the engine does not answer, or storage fails.
        if (!this.#stop.signal.aborted) logger?.warn({ part, err: error }, 'following the other nodes failed')
        // After an error only time wakes it: hints come as fast as others write.
        this.#wakes.delete(part)
      }
      await hint
    }
    await place.close()
  }

  /** Resolves a while after the next hint, and a longer while later without one. */
  async #hint(part: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { clock } = this.#options
    const { signal } = this.#stop
    let cancel = clock.after(LOOK_MS, resolve)
    const wake = (): void => {
      this.#wakes.delete(part)
      cancel()
      cancel = clock.after(GATHER_MS, resolve)
    }
    this.#wakes.set(part, wake)
    const end = (): void => resolve()
    signal.addEventListener('abort', end)
    if (signal.aborted) resolve()
    await promise
    cancel()
    signal.removeEventListener('abort', end)
    if (this.#wakes.get(part) === wake) this.#wakes.delete(part)
  }

  /** True if the engine ends before a message that this node has read: it has lost that. Looked at once in a while. */
  async #isSetBack(part: number, after: number): Promise<boolean> {
    const { engine, clock, logger } = this.#options
    const nowMs = clock.monotonicMs()
    if (nowMs < (this.#lookedAtMs.get(part) ?? 0) + LOOK_END_MS) return false
    this.#lookedAtMs.set(part, nowMs)
    // A replica that lags says so, too. Reading anew costs time alone.
    const end = await engine.log.endOf(part)
    if (end >= after) return false
    logger?.error(
      { part, end, after },
      'the engine has lost messages: its logs are compared with the copies from the first',
    )
    return true
  }

  async #take(part: number, messages: readonly PartMessage[]): Promise<void> {
    const bySubject = Map.groupBy(messages, ({ subject }) => subject)
    await Promise.all(Array.from(bySubject, ([subject, own]) => this.#takeOf(part, subject, own)))
  }

  async #takeOf(part: number, subject: string, messages: readonly PartMessage[]): Promise<void> {
    const { store } = this.#options
    const name = nameOfEngineName(subject)
    const through = messages.at(-1)?.sequence ?? 0
    const taken = await this.#withCopy(name, through, async (log) => {
      const local = await localCopyOf(log)
      const fresh = messages.filter(({ sequence }) => sequence > local.mark.sequence)
      // Another message may have the sequence of one that this copy has read.
      if (this.#setBack.has(part) && fresh.length < messages.length) return await this.#catchUp(name, log, through)
      if (fresh.length === 0) return true
      const { error } = await adoptMessages(new HistoryReader(name, local.mark), fresh, local)
      store.counts.followed += fresh.length
      return error === undefined || (await this.#catchUp(name, log, through))
    })
    if (taken === 'late') return this.#late.note(name, part, messages)
    this.#late.settle(name, through)
    if (taken === 'done' && isDeletion(messages.at(-1)?.headers['Jy-Kind'])) await this.#delete(name)
  }

  async #delete(name: string): Promise<void> {
    const { store } = this.#options
    await store
      .inTurn(name, () => store.local.tombstone(name))
      .catch((error: unknown) => {
        // This node never had a record of it.
        if (!(error instanceof LogError) || error.code !== 'invalid') throw error
      })
  }

  /**
   * Takes a deletion back if the history goes on behind it, or discards the copy if it was purged. Resolves with `deleted` if it does not. `through` is a message that the
   * engine has shown: a replica that ends before it lags.
   */
  async #undelete(name: string, through: number): Promise<'late' | 'deleted'> {
    const { store, engine } = this.#options
    const last = await engine.log.last(engineNameOf(name))
    if (last === undefined || last.sequence < through) return 'late'
    const kind = last.headers['Jy-Kind']
    if (isDeletion(kind)) return 'deleted'
    await store.revive(name, kind)
    return 'late'
  }

  /** An owner's own mark says what its copy has. */
  #settleOwned(part: number): void {
    const { owned } = this.#options.store
    for (const [name] of this.#late.of(part)) {
      const own = owned.get(name)
      if (own?.isFenced === false) this.#late.settle(name, own.markedSequence)
    }
  }

  /** Brings the late copies up to date that can be by now. A log that can’t be followed waits for its next message. */
  async #retry(part: number): Promise<void> {
    const { store, engine } = this.#options
    for (const [name, through] of this.#late.of(part)) {
      if (store.owned.get(name)?.isFenced === false || this.problems.has(name)) continue
      const taken = await this.#withCopy(name, through, async (log) => {
        const mark = await log.readMark()
        return (mark?.sequence ?? 0) >= through || (await this.#catchUp(name, log, through))
      })
      if (taken === 'late') continue
      const last = await engine.log.last(engineNameOf(name))
      if (taken === 'done' && isDeletion(last?.headers['Jy-Kind']) && (last?.sequence ?? 0) >= through)
        await this.#delete(name)
      this.#late.settle(name, through)
    }
  }

  /** Resolves with false if that has to be done again. `through` is the last message that the engine has shown. */
  async #catchUp(workspace: string, log: AdoptingLog, through: number): Promise<boolean> {
    const { engine, store, logger } = this.#options
    const local = await localCopyOf(log)
    const { mark } = local
    const place = { log: engine.log, workspace, subject: engineNameOf(workspace), local }
    const found = await findMark(place)
    const isPurged = log.generation !== undefined && store.purgedOf(workspace).includes(log.generation)
    if (found === 'purged' || (found !== 'there' && isPurged)) throw ofPurged(workspace, 0)
    if (found === 'unseen' && through > mark.sequence) return false
    if (found === 'unseen') {
      // The copy stays as it is: its mark proves later what the engine has lost.
      const compared = await localCopyOf(log, { isReadOnly: true })
      await catchUp({ ...place, local: compared }, { isSetBack: true })
      return true
    }
    const isSetBack = found === 'gone'
    if (isSetBack) {
      store.counts.regressions++
      const details = { workspace, lsn: mark.lsn }
      logger?.error(details, 'the engine has lost a part of a log that it had acknowledged')
    }
    await catchUp(place, { isSetBack })
    // A replica that lags gives less than was shown.
    return isSetBack || local.mark.sequence >= through
  }

  /**
   * Does `work` on a copy. Resolves with `late` if the copy is this node's own or in use, if its history can't be followed, and if `work`
   * resolves with false. Rejects only if nothing can be followed now.
   */
  async #withCopy(
    name: string,
    through: number,
    work: (log: AdoptingLog) => Promise<boolean>,
  ): Promise<'done' | 'late' | 'deleted'> {
    try {
      const isDone = await this.#options.store.withCopy(name, work)
      this.problems.delete(name)
      return isDone === true ? 'done' : 'late'
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'deleted') return this.#leaveLate(name, error)
      return await this.#undelete(name, through).catch((cause: unknown) => this.#leaveLate(name, cause))
    }
  }

  /** A copy that can't be taken now is looked at again. Throws an error that concerns all logs. */
  #leaveLate(name: string, error: unknown): 'late' {
    if (error instanceof LogError && error.code === 'locked') return 'late'
    if (error instanceof HistoryError || (error instanceof LogError && !isOfStore(error))) this.#say(name, error)
    else throw error
    return 'late'
  }

  #say(name: string, error: Error): void {
    if (this.problems.get(name) === error.message) return
    this.problems.set(name, error.message)
    this.#options.logger?.error({ workspace: name, err: error }, 'this node can’t follow the history of a log')
  }
}

function isMuch(messages: readonly PartMessage[]): boolean {
  if (messages.length >= MUCH.messages) return true
  return messages.reduce((bytes, { body }) => bytes + body.byteLength, 0) >= MUCH.bytes
}

/**
 * Whether the engine still has the message of a copy's mark. It is `gone` only if another message proves that: nothing is concluded
 * from an end, since a replica that lags ends there, too. Until then it is `unseen`. It is `purged` if a purge is all that is left of before.
 */
async function findMark({ log, workspace, subject, local }: Place): Promise<'there' | 'gone' | 'unseen' | 'purged'> {
  const { sequence, epoch, lsn, chain, generation } = local.mark
  if (sequence === 0) return 'there'
  const [found] = await log.read(subject, sequence - 1, 1)
  if (found !== undefined) {
    // It is the first one left.
    if (found.sequence > sequence && found.headers['Jy-Kind'] === 'purge') return 'purged'
    return found.sequence === sequence && found.headers['Jy-Chain'] === chain ? 'there' : 'gone'
  }
  const last = await log.last(subject)
  if (last === undefined || last.sequence >= sequence) return 'unseen'
  const end = positionOf(workspace, last)
  const isOther = end.generation !== undefined && end.generation !== generation
  // No message before the mark's can say so.
  return isOther || end.epoch > epoch || end.lsn > lsn ? 'gone' : 'unseen'
}

function isOfStore({ code }: LogError): boolean {
  return code === 'storage_failed' || code === 'storage_full' || code === 'closed'
}
