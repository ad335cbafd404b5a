import { type AdoptingLog, LogError, type SteadyClock } from '@joinery/log'
import type { Engine, PartMessage } from '../engine/engine.ts'
import { adoptMessages, catchUp } from '../history/catch-up.ts'
import { HistoryError } from '../history/history-error.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { factsOf } from '../history/message.ts'
import { START } from '../history/position.ts'
import { engineNameOf, nameOfEngineName } from '../nodes/names.ts'
import { localCopyOf } from './local-copy.ts'
import type { ReplicatedStore, ReplicationLogger } from './replicated-store.ts'

/** Messages that are read at once. */
const READ_LIMIT = 1_000
/** Time after which a part is looked at without a hint, ms. */
const LOOK_MS = 1_000

export interface FollowerOptions {
  readonly engine: Engine
  readonly store: ReplicatedStore
  /** This run of the node. */
  readonly session: string
  readonly clock: SteadyClock
  readonly logger?: ReplicationLogger | undefined
}

/** Keeps this node's copies of all logs up to what other nodes write. */
export class Follower {
  /** Logs whose history can't be followed, and why. */
  readonly problems = new Map<string, string>()
  readonly #options: FollowerOptions
  readonly #stop = new AbortController()
  readonly #wakes = new Set<() => void>()
  /** Logs that could not be brought up to date when their messages came. */
  readonly #behind = new Set<string>()
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
    follower.#unsubscribe = engine.log.onAppend(() => follower.#wake())
    follower.#work = Promise.all(places.map((place, part) => follower.#followPart(part, place)))
    return follower
  }

  /** Ends. Resolves when nothing is read or written any more. Call it before the engine and the store are closed. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#unsubscribe()
    this.#wake()
    await this.#work
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake()
  }

  async #followPart(part: number, place: AdoptingLog): Promise<void> {
    const { engine, logger } = this.#options
    let after: number | undefined
    while (!this.#stop.signal.aborted) {
      const isHinted = this.#hint()
      try {
        const generation = await place.create()
        after ??= (await place.readMark())?.sequence ?? 0
        const messages = await engine.log.readPart(part, after, READ_LIMIT)
        await this.#take(messages)
        after = messages.at(-1)?.sequence ?? after
        if (messages.length > 0) {
          await place.adopt([], { ...START, sequence: after, generation })
          continue
        }
        await this.#retry()
      } catch (error) {
        // It is tried again: the engine does not answer, or storage fails.
        if (!this.#stop.signal.aborted) logger?.warn({ part, err: error }, 'following the other nodes failed')
        this.#clearHints(isHinted)
      }
      await isHinted.promise
    }
    await place.close()
  }

  /** Resolves at the next hint, or a while later. */
  #hint(): PromiseWithResolvers<void> {
    const hint = Promise.withResolvers<void>()
    this.#wakes.add(hint.resolve)
    const cancel = this.#options.clock.after(LOOK_MS, hint.resolve)
    void hint.promise.then(() => {
      cancel()
      this.#wakes.delete(hint.resolve)
    })
    if (this.#stop.signal.aborted) hint.resolve()
    return hint
  }

  /** After an error only time wakes it: hints come as fast as others write. */
  #clearHints({ resolve }: PromiseWithResolvers<void>): void {
    if (!this.#stop.signal.aborted) this.#wakes.delete(resolve)
  }

  async #take(messages: readonly PartMessage[]): Promise<void> {
    const bySubject = Map.groupBy(messages, ({ subject }) => subject)
    await Promise.all(Array.from(bySubject, ([subject, own]) => this.#takeOf(subject, own)))
  }

  async #takeOf(subject: string, messages: readonly PartMessage[]): Promise<void> {
    const { store, session } = this.#options
    const name = nameOfEngineName(subject)
    const isTaken = await this.#withCopy(name, async (log) => {
      const local = await localCopyOf(log)
      const fresh = messages.filter(({ sequence }) => sequence > local.mark.sequence)
      if (fresh.length === 0) return
      const { error } = await adoptMessages(new HistoryReader(name, local.mark), fresh, local)
      if (error !== undefined) await this.#catchUp(name, subject, log)
      store.counts.followed += fresh.length
    })
    // This node owns it, and does not know yet that another has written.
    if (isTaken === 'owned' && messages.some((message) => sessionOf(name, message) !== session)) this.#behind.add(name)
  }

  async #retry(): Promise<void> {
    for (const name of [...this.#behind]) {
      this.#behind.delete(name)
      await this.#withCopy(name, (log) => this.#catchUp(name, engineNameOf(name), log))
    }
  }

  async #catchUp(workspace: string, subject: string, log: AdoptingLog): Promise<void> {
    await catchUp({ log: this.#options.engine.log, workspace, subject, local: await localCopyOf(log) })
  }

  /** Does `work` on a copy, and notes it if that has to be done again. Rejects only if nothing can be followed now. */
  async #withCopy(name: string, work: (log: AdoptingLog) => Promise<void>): Promise<'done' | 'owned' | 'failed'> {
    try {
      const done = await this.#options.store.withCopy(name, async (log) => {
        await work(log)
        return true
      })
      this.problems.delete(name)
      return done === true ? 'done' : 'owned'
    } catch (error) {
      if (error instanceof LogError && error.code === 'locked') this.#behind.add(name)
      else if (error instanceof HistoryError || (error instanceof LogError && !isOfStore(error))) this.#say(name, error)
      else throw error
      return 'failed'
    }
  }

  #say(name: string, error: Error): void {
    if (this.problems.get(name) === error.message) return
    this.problems.set(name, error.message)
    this.#options.logger?.error({ workspace: name, err: error }, 'this node can’t follow the history of a log')
  }
}

function isOfStore({ code }: LogError): boolean {
  return code === 'storage_failed' || code === 'storage_full' || code === 'closed'
}

function sessionOf(name: string, message: PartMessage): string | undefined {
  try {
    return factsOf(name, message).session
  } catch {
    return undefined
  }
}
