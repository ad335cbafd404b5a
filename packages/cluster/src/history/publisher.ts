import { encodePortableRecord, type LogRecord, type SteadyClock } from '@joinery/log'
import { type EngineLog, type EngineMessage, MESSAGE_BYTES_MAX } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { HistoryError } from './history-error.ts'
import { type FirstKind, messageOf } from './message.ts'
import { joinOrigin } from './origin-body.ts'
import type { Position } from './position.ts'

/** Bytes of records that one message takes at most, unless a record alone has more. */
const FLIGHT_BYTES = 512 * 1024
/** Wait before a call whose answer did not come is made again, ms: it doubles from the first to the last. */
const RETRY_FIRST_MS = 50
const RETRY_LAST_MS = 2_000
/** Refusals of one message after which an engine that shows nothing newer must have lost what it had acknowledged. */
const REFUSALS_MAX = 50

export interface PublisherOptions {
  readonly log: EngineLog
  readonly clock: SteadyClock
  readonly workspace: string
  readonly subject: string
  readonly node: string
  readonly session: string
  /** Position after this owner's own epoch. */
  readonly position: Position
}

/** A record on its way, as {@link encodePortableRecord} gives it. */
export interface Part {
  readonly lsn: number
  readonly bytes: Uint8Array
  /** `origin` for the first record of a log whose beginning goes with it, as the bytes say; by default `records`. */
  readonly kind?: 'origin'
}

interface Waiting extends Part {
  /** Nothing is written before this resolves. */
  readonly after: Promise<unknown> | undefined
  /** Time since which it waits, ms of the monotonic clock. */
  readonly sinceMs: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const ignore = (): void => undefined

/**
 * Writes the owner's records to the engine, one message after the other. It never takes up a position that another node has
 * written: once a message is refused for good, the owner is fenced, and nothing more is written.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #waiting: Waiting[] = []
  readonly #fenced = new AbortController()
  #position: Position
  /** The history's generation, which its first record says. The position has it once the engine has that. */
  #generation: string | undefined
  #isWriting = false
  #error: Error | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#position = options.position
    this.#generation = options.position.generation
  }

  get workspace(): string {
    return this.#options.workspace
  }

  /** The end of the history that the engine has acknowledged. */
  get position(): Position {
    return this.#position
  }

  /** Aborts when another node owns the workspace, or the history can't be written on. */
  get fenced(): AbortSignal {
    return this.#fenced.signal
  }

  /**
   * Takes the next record. Resolves once a quorum has it. Rejects with `fenced` if another node has taken the workspace: whether
   * the history has the record is then unknown.
   */
  publish(record: LogRecord, generation: string): Promise<void> {
    return this.publishAll([{ lsn: record.lsn, bytes: encodePortableRecord(record) }], generation)
  }

  /**
   * Takes the next records, or none: then it only says that the history exists and has this generation. Settles as {@link publish}
   * does for the last of them. Nothing of it is written before `after` resolves; if `after` rejects, nothing ever is.
   */
  publishAll(parts: readonly Part[], generation: string, after?: Promise<unknown>): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error)
    this.#generation ??= generation
    const sinceMs = this.#options.clock.monotonicMs()
    const before = this.#waiting.at(-1)?.lsn ?? this.#position.lsn
    const last = parts.at(-1) ?? { lsn: before, bytes: new Uint8Array() }
    for (const part of parts.slice(0, -1))
      this.#waiting.push({ ...part, after, sinceMs, resolve: ignore, reject: ignore })
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...last, after, sinceMs, resolve, reject })
      if (this.#isWriting) return
      this.#isWriting = true
      // All records of one turn are one message.
      queueMicrotask(() => void this.#writeOn())
    })
  }

  /** Takes the first record of a history, with the beginning of its log. Settles as {@link publish} does. */
  publishOrigin(origin: Uint8Array, { lsn, bytes }: Part, generation: string): Promise<void> {
    return this.publishAll([{ lsn, bytes: joinOrigin(origin, bytes), kind: 'origin' }], generation)
  }

  /** Time since which the oldest record waits for the engine, ms of the monotonic clock; undefined when none waits. */
  get waitsSinceMs(): number | undefined {
    return this.#waiting[0]?.sinceMs
  }

  /**
   * Says that the workspace is deleted. Call it when nothing waits. Resolves once a quorum has that. `generation` is that of the history,
   * where the engine has no record of it.
   */
  tombstone(generation?: string): Promise<void> {
    this.#generation ??= generation
    return this.#append('tombstone', this.#position.lsn, new Uint8Array())
  }

  /** Writes nothing more, and rejects what waits. */
  stop(error: Error = new HistoryError('fenced', this.#options.workspace, 0, 'this node has let it go')): void {
    this.#error ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#error)
    this.#fenced.abort(this.#error)
  }

  async #writeOn(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#writeNext()
    } catch (error) {
      this.stop(error instanceof Error ? error : new Error(String(error)))
    }
    this.#isWriting = false
  }

  async #writeNext(): Promise<void> {
    await this.#waiting[0]?.after
    const flight = this.#nextFlight()
    const bytes = flight.length === 1 ? flight[0]?.bytes : Buffer.concat(flight.map((waiting) => waiting.bytes))
    let rest: Uint8Array = bytes ?? new Uint8Array()
    while (rest.byteLength > MESSAGE_BYTES_MAX) {
      await this.#append('part', this.#position.lsn, rest.subarray(0, MESSAGE_BYTES_MAX))
      rest = rest.subarray(MESSAGE_BYTES_MAX)
    }
    await this.#append(flight[0]?.kind ?? 'records', flight.at(-1)?.lsn ?? this.#position.lsn, rest)
    this.#waiting.splice(0, flight.length)
    for (const { resolve } of flight) resolve()
  }

  /** The records that go with the next message: as many as it takes, and at least one. */
  #nextFlight(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes.byteLength
      const [first] = this.#waiting
      if (count > 0 && (bytes > FLIGHT_BYTES || waiting.after !== first?.after || first?.kind === 'origin')) break
      count++
    }
    return this.#waiting.slice(0, count)
  }

  async #append(kind: FirstKind, last: number, body: Uint8Array): Promise<void> {
    const { workspace, node, session } = this.#options
    const { epoch, lsn, chain } = this.#position
    const generation = this.#generation
    const facts = { kind, epoch, node, session, first: lsn + 1, last, generation }
    const message = messageOf(workspace, chain, facts, body)
    const sequence = await this.#appendUntilKnown(message)
    this.#position = { sequence, epoch, lsn: last, chain: message.headers['Jy-Chain'] ?? '', generation }
  }

  /** Appends a message, again and again while no answer comes. Resolves with its sequence, or rejects with `fenced`. */
  async #appendUntilKnown(message: EngineMessage): Promise<number> {
    const { log, subject, workspace } = this.#options
    let waitMs = RETRY_FIRST_MS
    for (let refusals = 0; ; ) {
      if (this.#error !== undefined) throw this.#error
      try {
        const appended = await log.append(subject, message, this.#position.sequence)
        if (appended !== 'refused') return appended.sequence
        const last = await log.last(subject)
        // It had succeeded, and the answer was lost.
        if (last?.id === message.id) return last.sequence
        if ((last?.sequence ?? 0) > this.#position.sequence) {
          throw new HistoryError('fenced', workspace, last?.sequence ?? 0, 'another node owns the workspace now')
        }
        // A replica that lags says so, too.
        if (++refusals === REFUSALS_MAX) {
          const reason = `the engine refuses what follows message ${this.#position.sequence}, which it had acknowledged`
          throw new HistoryError('regressed', workspace, last?.sequence ?? 0, reason)
        }
      } catch (error) {
        if (!(error instanceof EngineError) || error.code === 'invalid') throw error
      }
      await new Promise<void>((resolve) => void this.#options.clock.after(waitMs, resolve))
      waitMs = Math.min(2 * waitMs, RETRY_LAST_MS)
    }
  }
}
