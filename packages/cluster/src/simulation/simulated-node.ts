import type { Engine } from '../engine/engine.ts'
import type { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { catchUp, type Place } from '../history/catch-up.ts'
import { HistoryError, type HistoryErrorCode } from '../history/history-error.ts'
import { positionOf } from '../history/position.ts'
import type { Publisher } from '../history/publisher.ts'
import { beginPurge, endHistory, removePurged } from '../history/purge.ts'
import { type TakeoverOptions, takeOver } from '../history/takeover.ts'
import { Random } from './random.ts'
import { SimulatedReplica } from './simulated-replica.ts'
import type { VirtualTime } from './virtual-time.ts'

export const WORKSPACE = 'w'
/** Text that makes an edit too large for one message of the engine; no compression makes it small. */
const LARGE = ` ${randomText(1_300_000)}`

/** Pause before a copy that was discarded is made anew, ms. */
const SOON_MS = 50

/** An edit that was acknowledged as replicated. */
export interface Acknowledged {
  readonly id: string
  readonly lsn: number
  readonly generation: string
}

/** One process of a simulated cluster: it takes the workspace over, writes edits, is killed and comes back. */
export class SimulatedNode {
  readonly name: string
  readonly replica: SimulatedReplica
  readonly acknowledged: Acknowledged[] = []
  /** Errors that no fault explains. */
  readonly failures: Error[] = []
  readonly #engine: MemoryEngine
  readonly #time: VirtualTime
  readonly #random: Random
  #connection: Engine
  #publisher: Publisher | undefined
  #epoch = 0
  #isTaking = false
  #run = 1
  /** Aborts when this run is killed: a takeover under way asks the engine no more. */
  #killed = new AbortController()
  #edits = 0

  constructor(name: string, engine: MemoryEngine, time: VirtualTime, random: Random) {
    this.name = name
    this.replica = new SimulatedReplica(name)
    this.#engine = engine
    this.#time = time
    this.#random = random
    this.#connection = engine.connect(name)
  }

  get isOwner(): boolean {
    return this.#publisher !== undefined && !this.#publisher.fenced.aborted
  }

  /** Takes the workspace over, also from another owner. Resolves when that is done, or has failed. */
  async take(): Promise<void> {
    if (this.#isTaking || this.isOwner) return
    this.#isTaking = true
    const run = this.#run
    try {
      const taken = await this.#unlessPurged(() => takeOver(this.#desk()))
      if (run !== this.#run) return taken.publisher.stop()
      this.#publisher = taken.publisher
      this.#epoch = taken.epoch
    } catch (error) {
      // Somebody asks for the rest of a purge that was cut short.
      if (isOfCode(error, 'deleted')) await this.#purge().catch((other) => run === this.#run && this.#fail(other))
      else if (run === this.#run) this.#fail(error)
    } finally {
      if (run === this.#run) this.#isTaking = false
    }
  }

  /** Deletes the workspace as its owner does, and purges it. A kill may cut that short anywhere. */
  async purge(): Promise<void> {
    if (this.#isTaking || !this.isOwner) return
    this.#isTaking = true
    this.release()
    const run = this.#run
    try {
      const { publisher, republished } = await this.#unlessPurged(() => takeOver(this.#desk()))
      await republished
      await publisher.tombstone()
      publisher.stop()
      await this.#purge()
    } catch (error) {
      // Another owner may have begun meanwhile.
      if (run === this.#run && !isOfCode(error, 'fenced') && !isOfCode(error, 'deleted')) this.#fail(error)
    } finally {
      if (run === this.#run) this.#isTaking = false
    }
  }

  async #purge(): Promise<void> {
    const desk = this.#desk()
    const begun = await beginPurge(desk, true)
    if (typeof begun === 'string') return
    await endHistory(desk, ({ kind }) => kind === 'purging')
    await removePurged(desk)
  }

  /** A client's edit: it is written here, and published; once both are done it is acknowledged. */
  edit(isLarge = false): void {
    const publisher = this.#publisher
    if (publisher === undefined || publisher.fenced.aborted || this.#isTaking) return
    const id = `${this.name}-${this.#run}-${++this.#edits}${isLarge ? LARGE : ''}`
    const record = this.replica.append(id)
    const run = this.#run
    const synced = this.#time.sleep(this.#random.upTo(40)).then(() => {
      if (run !== this.#run) throw new Error('killed')
      this.replica.sync()
    })
    const { generation = '' } = this.replica
    const published = publisher.publish(record, generation)
    Promise.all([synced, published]).then(
      () => run === this.#run && this.acknowledged.push({ id, lsn: record.lsn, generation }),
      (error) => {
        if (run === this.#run && !(isOfCode(error, 'fenced') && this.#isDeposed(publisher))) this.#fail(error)
      },
    )
  }

  /** Reads on what others have written. An owner does not: it has it all. */
  async follow(): Promise<void> {
    if (this.#isTaking || this.isOwner) return
    this.#isTaking = true
    const run = this.#run
    try {
      await this.#unlessPurged(() => catchUp(this.#place()))
    } catch (error) {
      if (run === this.#run && !isUnavailable(error)) this.#fail(error)
    } finally {
      if (run === this.#run) this.#isTaking = false
    }
  }

  /** Lets the workspace go. */
  release(): void {
    this.#publisher?.stop()
    this.#publisher = undefined
  }

  /** Kills the process: nothing that it was doing goes on, and its unsynced records may be gone, or its whole disk. */
  kill(isDiskLost = false): void {
    this.#run++
    this.#killed.abort(new Error('killed'))
    this.#killed = new AbortController()
    this.#publisher?.stop(new Error('killed'))
    this.#publisher = undefined
    this.#isTaking = false
    void this.#connection.close()
    if (isDiskLost) this.replica.wipe()
    else this.replica.crash((unsafe) => this.#random.upTo(unsafe))
    this.#connection = this.#engine.connect(this.name)
  }

  /** True if another owner has begun after `publisher`, or this node has let the workspace go: nothing else may fence it. */
  #isDeposed(publisher: Publisher): boolean {
    if (publisher !== this.#publisher) return true
    const last = this.#engine.log.last(WORKSPACE)
    return last !== undefined && positionOf(WORKSPACE, last).epoch > this.#epoch
  }

  /** Does `work`, and once more without the copy if its history was purged. */
  async #unlessPurged<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#run
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isOfCode(error, 'purged') || run !== this.#run) throw error
        this.replica.wipe()
      }
      await this.#time.sleep(SOON_MS)
    }
  }

  #desk(): TakeoverOptions {
    const { clock } = this.#time
    const run = { node: this.name, session: `s${this.#run}`, signal: this.#killed.signal }
    return { ...this.#place(), ...run, clock, assertReadable: () => undefined }
  }

  #place(): Place {
    const run = this.#run
    const alive = <T>(work: () => T): T => {
      if (run !== this.#run) throw new Error('killed')
      return work()
    }
    const { replica } = this
    const local = {
      get generation() {
        return replica.generation
      },
      get head() {
        return replica.head
      },
      firstLsn: replica.firstLsn,
      readOrigin: () => replica.readOrigin(),
      chainAt: () => replica.chainAt(),
      get mark() {
        return replica.mark
      },
      get floor() {
        return replica.floor
      },
      protect: async () => await alive(() => replica.protect()),
      read: (after: number) => alive(() => replica.read(after)),
      adopt: async (...args: Parameters<SimulatedReplica['adopt']>) => await alive(() => replica.adopt(...args)),
      truncate: async (lsn: number) => await alive(() => replica.truncate(lsn)),
    }
    return { log: this.#connection.log, workspace: WORKSPACE, subject: WORKSPACE, local }
  }

  #fail(error: unknown): void {
    this.failures.push(error instanceof Error ? error : new Error(String(error)))
  }
}

function isOfCode(error: unknown, code: HistoryErrorCode): boolean {
  return error instanceof HistoryError && error.code === code
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'unavailable'
}

function randomText(length: number): string {
  const random = new Random(1)
  return Array.from({ length }, () => String.fromCharCode(33 + random.upTo(90))).join('')
}
