import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { Engine } from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { MemoryBus } from './memory-bus.ts'
import { MemoryKeys } from './memory-keys.ts'
import { MemoryLog } from './memory-log.ts'

/**
 * Faults between a node and the engine, asked anew for each call. Times are ms; undefined stands for a way on which
 * the call or its answer is lost.
 */
export interface EngineFaults {
  /** Time until the engine has a call of `node`. */
  callMs(node: string): number | undefined
  /** Time until `node` has the answer. */
  answerMs(node: string): number | undefined
  /** True if the engine gets a call twice, the second time later. */
  isRepeated(node: string): boolean
  /** How many of the newest messages a read leaves out, as from a replica that lags. */
  lag(node: string): number
  /** True in the negative control alone: the engine then appends whatever was expected. */
  readonly ignoresExpectations: boolean
}

/** Everything arrives at once. */
export const NO_FAULTS: EngineFaults = {
  callMs: () => 0,
  answerMs: () => 0,
  isRepeated: () => false,
  lag: () => 0,
  ignoresExpectations: false,
}

/** The one part of an engine in memory, and its leader. */
const PART = 'memory'
/** Time that a node waits for an answer, ms. */
const ANSWER_MS = 2_000

/**
 * An engine in memory, for one process: several nodes connect to it. It keeps the contract of {@link Engine}, and with
 * `faults` it does so as a distant, partitioned engine does.
 */
export class MemoryEngine {
  readonly #clock: SteadyClock
  readonly #faults: EngineFaults
  readonly log: MemoryLog
  readonly meta: MemoryKeys
  readonly live: MemoryKeys
  readonly bus: MemoryBus

  constructor(options: { clock?: SteadyClock; faults?: EngineFaults } = {}) {
    this.#clock = options.clock ?? systemSteadyClock
    this.#faults = options.faults ?? NO_FAULTS
    this.log = new MemoryLog(this.#clock, this.#faults.ignoresExpectations)
    this.meta = new MemoryKeys(this.#clock)
    this.live = new MemoryKeys(this.#clock)
    this.bus = new MemoryBus(this.#clock)
  }

  /** Loses all logs and keys, as servers do whose disks are emptied. */
  lose(): void {
    this.log.lose()
    this.meta.lose()
    this.live.lose()
  }

  /** The engine as `node` reaches it. */
  connect(node: string): Engine {
    const link = new Link(node, this.#clock, this.#faults)
    const keys = (of: MemoryKeys): Engine['meta'] => ({
      get: (key) => link.call(() => of.get(key)),
      create: (key, value, ttlMs) => link.call(() => of.create(key, value, ttlMs)),
      update: (key, value, revision, ttlMs) => link.call(() => of.update(key, value, revision, ttlMs)),
      delete: (key, revision) => link.call(() => of.delete(key, revision)),
      entries: () => link.call(() => of.entries()),
      watch: (listener) => link.call(() => link.until(of.watch(listener))),
    })
    return {
      name: 'memory',
      log: {
        append: (subject, message, expected) => link.call(() => this.log.append(subject, message, expected), true),
        last: (subject) => link.call(() => this.log.last(subject, this.#faults.lag(node))),
        read: (subject, after, limit) => link.call(() => this.log.read(subject, after, limit, this.#faults.lag(node))),
        parts: 1,
        readPart: (_part, after, limit) => link.call(() => this.log.readPart(after, limit, this.#faults.lag(node))),
        endOf: () => link.call(() => this.log.readPart(0, Number.POSITIVE_INFINITY).at(-1)?.sequence ?? 0),
        removeBefore: (subject, sequence) => link.call(() => this.log.removeBefore(subject, sequence), true),
        subjects: () => link.call(() => this.log.subjects()),
        onAppend: (listener) => link.until(this.log.onAppend(listener)),
      },
      meta: keys(this.meta),
      live: keys(this.live),
      bus: {
        publish: (topic, data) => void link.call(() => this.bus.publish(topic, data)).catch(() => undefined),
        subscribe: (pattern, listener) => link.until(this.bus.subscribe(pattern, listener)),
        request: (topic, data, timeoutMs) => link.callTo(() => this.bus.request(topic, data, timeoutMs)),
        respond: (topic, answer) => link.until(this.bus.respond(topic, answer)),
        settled: async () => undefined,
      },
      // It loses all by `lose` at once, and nothing has to be made.
      storage: { missing: () => link.call(() => []), remake: () => link.call(() => undefined) },
      leaders: {
        list: () => link.call(() => [{ part: PART, leader: PART }]),
        stepDown: (part) => link.call(() => refuseStepDown(part)),
      },
      close: async () => link.close(),
    }
  }
}

function refuseStepDown(part: string): never {
  if (part !== PART) throw new EngineError('invalid', `the engine has no part ${JSON.stringify(part)}`)
  throw new EngineError('unsupported', 'an engine in memory is alone: nobody else can lead')
}

/** The way of one node to the engine and back. */
class Link {
  readonly #node: string
  readonly #clock: SteadyClock
  readonly #faults: EngineFaults
  readonly #ends = new Set<() => void>()
  #isClosed = false

  constructor(node: string, clock: SteadyClock, faults: EngineFaults) {
    this.#node = node
    this.#clock = clock
    this.#faults = faults
  }

  /** Has the engine run `work`, and resolves with its result once that has come back. `mayRepeat`: the call may arrive twice. */
  call<T>(work: () => T, mayRepeat = false): Promise<T> {
    return this.#answered((settle) => {
      const callMs = this.#faults.callMs(this.#node)
      if (callMs === undefined) return
      this.#later(callMs, () => {
        let result: T
        try {
          result = work()
        } catch (error) {
          return settle(() => Promise.reject(error))
        }
        if (mayRepeat && this.#faults.isRepeated(this.#node)) this.#later(callMs + 1, work)
        const answerMs = this.#faults.answerMs(this.#node)
        if (answerMs !== undefined) this.#later(answerMs, () => settle(() => Promise.resolve(result)))
      })
    })
  }

  /** As {@link call}, for work that takes time itself. */
  callTo<T>(work: () => Promise<T>): Promise<T> {
    return this.call(() => {
      const answer = work()
      // Nobody hears of a failure whose answer is lost on its way.
      answer.catch(() => undefined)
      return { answer }
    }).then(({ answer }) => answer)
  }

  /** Has `stop` called when the connection ends, at the latest. */
  until(stop: () => void): () => void {
    this.#ends.add(stop)
    return () => {
      this.#ends.delete(stop)
      stop()
    }
  }

  close(): void {
    this.#isClosed = true
    for (const end of [...this.#ends]) end()
    this.#ends.clear()
  }

  #answered<T>(begin: (settle: (answer: () => Promise<T>) => void) => void): Promise<T> {
    if (this.#isClosed) return Promise.reject(closed())
    return new Promise<T>((resolve, reject) => {
      const end = (): void => finish(() => Promise.reject(closed()))
      const cancel = this.#clock.after(ANSWER_MS, () => {
        const message = `the engine did not answer within ${ANSWER_MS} ms: whether it did what was asked is not known`
        finish(() => Promise.reject(new EngineError('unavailable', message)))
      })
      const finish = (answer: () => Promise<T>): void => {
        cancel()
        this.#ends.delete(end)
        answer().then(resolve, reject)
      }
      this.#ends.add(end)
      begin(finish)
    })
  }

  #later(ms: number, work: () => void): void {
    if (ms === 0) return work()
    this.#clock.after(ms, work)
  }
}

function closed(): EngineError {
  return new EngineError('unavailable', 'the connection to the engine is closed')
}
