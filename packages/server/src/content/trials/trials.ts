import { Turns } from '../../turns.ts'
import { TrialError } from './trial-error.ts'
import type { TrialAnswer } from './trial-protocol.ts'
import { TrialThread } from './trial-thread.ts'

/** Bounds of trials. `ServerLimits` has the reasons. */
export interface TrialLimits {
  readonly trialsMax: number
  readonly trialsWaitingMax: number
  /** Undefined for any time. */
  readonly trialWaitMs: number | undefined
  readonly trialHeapBytes: number
}

/** Time for which an idle thread is kept, ms: to start one takes some 50 ms of CPU. */
const IDLE_MS = 30_000

/** A document in a worker thread, on which updates are tried. */
export interface TrialDocument {
  /** Applies updates in one transaction. Rejects with {@link TrialError} after `cpuMsMax` of CPU time. */
  load(updates: readonly Uint8Array[], cpuMsMax: number): Promise<TrialAnswer>
  /** Applies one update, whole or in units, and measures it. Rejects as {@link load}. */
  try(update: Uint8Array, cpuMsMax: number, isWhole?: boolean): Promise<TrialAnswer>
  /** Loads the document's state into another. Rejects as {@link load}. */
  reload(cpuMsMax: number): Promise<TrialAnswer>
}

/** Worker threads in which documents are loaded and updates are tried, with bounds on time and memory. */
export class Trials {
  readonly #limits: TrialLimits
  readonly #turns: Turns
  /** The last task of each principal. */
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #threads = new Set<TrialThread>()
  readonly #idle: TrialThread[] = []
  #idleTimer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(limits: TrialLimits) {
    this.#limits = limits
    const busy = (): TrialError => new TrialError('busy', 'too much waits to be tried before it')
    this.#turns = new Turns(limits.trialsMax, {
      waitingMax: limits.trialsWaitingMax,
      refuse: busy,
      ...(limits.trialWaitMs !== undefined && { wait: { ms: limits.trialWaitMs, refuse: busy } }),
    })
  }

  /** Number of threads that are kept or work. */
  get threadCount(): number {
    return this.#threads.size
  }

  /**
   * Runs `task` on an empty document when it has its turn. The tasks of one principal run one after the other, so that each
   * principal has one place in the queue. Rejects with {@link TrialError}, and with the error of `task`.
   */
  async run<T>(principal: string, task: (document: TrialDocument) => Promise<T>): Promise<T> {
    const before = this.#last.get(principal)
    const running = (before ?? Promise.resolve()).then(() => this.#turns.take(() => this.#runOne(task)))
    const settled = running.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(principal, settled)
    try {
      return await running
    } finally {
      if (this.#last.get(principal) === settled) this.#last.delete(principal)
    }
  }

  /** Ends all threads. Tasks under way reject with `died`. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    await Promise.all([...this.#threads].map((thread) => thread.end()))
    this.#threads.clear()
  }

  async #runOne<T>(task: (document: TrialDocument) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new TrialError('died', 'the server closes')
    const thread = this.#takeThread()
    try {
      await thread.ask({ type: 'begin' }, Number.POSITIVE_INFINITY)
      return await task({
        load: (updates, cpuMsMax) => thread.ask({ type: 'load', updates }, cpuMsMax),
        try: (update, cpuMsMax, isWhole = false) => thread.ask({ type: 'try', update, isWhole }, cpuMsMax),
        reload: (cpuMsMax) => thread.ask({ type: 'reload' }, cpuMsMax),
      })
    } finally {
      this.#giveBack(thread)
    }
  }

  #takeThread(): TrialThread {
    const idle = this.#idle.pop()
    if (idle?.isAlive) return idle
    const thread = new TrialThread(this.#limits.trialHeapBytes)
    this.#threads.add(thread)
    return thread
  }

  #giveBack(thread: TrialThread): void {
    if (!thread.isAlive || this.#isClosed) {
      this.#threads.delete(thread)
      return
    }
    this.#idle.push(thread)
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => this.#endIdle(), IDLE_MS)
    this.#idleTimer.unref()
  }

  #endIdle(): void {
    for (const thread of this.#idle.splice(0)) {
      this.#threads.delete(thread)
      void thread.end()
    }
  }
}
