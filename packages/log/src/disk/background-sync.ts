import type { Clock } from '../clock.ts'
import type { LogObserver } from '../observer.ts'
import type { Group } from './group.ts'

export interface BackgroundSyncOptions {
  /** Resolves when everything that was written before the call is on the disk. */
  readonly sync: () => Promise<void>
  /** Time from the first write that no fsync covers to the fsync that covers it, ms. */
  readonly windowMs: number
  readonly clock: Clock
  readonly observer?: LogObserver | undefined
  /** Called once. Nothing is fsynced any more until {@link BackgroundSync.covered}. */
  readonly onFailed: (error: unknown) => void
}

/**
 * Fsyncs what was written, beside the writes that follow: an edit, which waits for its write alone, waits for no fsync that others
 * have asked for. One fsync is under way at a time, and the next covers all that was written meanwhile.
 */
export class BackgroundSync {
  readonly #options: BackgroundSyncOptions
  /** In the order in which they were written. */
  #unsynced: readonly Group[] = []
  #running: Promise<void> | undefined
  #isWanted = false
  /**
   * The error of the last fsync. A later one that ends well says nothing of what this one was to cover: the kernel may have
   * dropped that, and tells of an error once.
   */
  #failure: { readonly error: unknown } | undefined
  #endWindow: (() => void) | undefined

  constructor(options: BackgroundSyncOptions) {
    this.#options = options
  }

  /** Groups that are written and in no fsync yet. A failed handle may have lost them. */
  get unsynced(): readonly Group[] {
    return this.#unsynced
  }

  /** Resolves when the fsync under way has ended, well or not; undefined if there is none. */
  get running(): Promise<void> | undefined {
    return this.#running
  }

  /** Throws the error of an fsync that has failed since {@link covered}. */
  assertWell(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Waits for the fsync under way, and begins none until something more is written. Throws the error of one that has failed. */
  async stop(): Promise<void> {
    this.cancel()
    await this.#running
    this.assertWell()
  }

  /** A group was written without an fsync: it gets one at once if it was promised one, and else at the end of the window. */
  wrote(group: Group): void {
    this.#unsynced = [...this.#unsynced, group]
    if (group.needsSync) this.#begin()
    else this.#endWindow ??= this.#options.clock.after(this.#options.windowMs, this.#windowOnEnd)
  }

  /** Everything written so far is on the disk, by other means than an fsync of this. */
  covered(): void {
    this.#failure = undefined
    this.#cover(this.#unsynced)
  }

  #cover(groups: readonly Group[]): void {
    const done = new Set(groups)
    this.#unsynced = this.#unsynced.filter((group) => !done.has(group))
    if (this.#unsynced.length === 0) this.cancel()
    for (const group of done) group.resolveSynced()
  }

  /** Begins no fsync until something more is written. */
  cancel(): void {
    this.#isWanted = false
    this.#endWindow?.()
    this.#endWindow = undefined
  }

  readonly #windowOnEnd = (): void => {
    this.#endWindow = undefined
    this.#begin()
  }

  #begin(): void {
    if (this.#failure !== undefined) return
    this.#isWanted = true
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    const { sync, observer, onFailed } = this.#options
    try {
      while (this.#isWanted) {
        this.cancel()
        const groups = this.#unsynced
        const startMs = performance.now()
        await sync()
        observer?.synced?.(performance.now() - startMs)
        this.#cover(groups)
      }
      this.#running = undefined
    } catch (error) {
      this.cancel()
      this.#failure = { error }
      this.#running = undefined
      onFailed(error)
    }
  }
}
