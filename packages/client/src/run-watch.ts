import type { IndexingEntry, IndexingList, IndexingRun } from '@joinery/blocks'
import { abort, throwIfAborted, type WaitOptions, whenAborted } from './abort.ts'
import { ClientError } from './client-error.ts'
import type { Reset } from './document-reset.ts'
import type { Draft } from './draft.ts'
import type { KeyedOptions, KeyedReceipt } from './keyed-edits.ts'
import type { Observable } from './observable-value.ts'
import type { Presence } from './presence.ts'
import type { Receipt } from './receipts.ts'
import type { SaveStatus } from './save-status.ts'
import type { WorkspaceBlocks } from './workspace-blocks.ts'
import type { WorkspaceLeases } from './workspace-leases.ts'

/** The part of a workspace that a run needs. */
export interface RunHost {
  readonly blocks: WorkspaceBlocks
  readonly presence: Pick<Presence, 'setProgress'>
  readonly saveStatus: Observable<SaveStatus>
  readonly closeSignal: AbortSignal
  untilSynced(options?: WaitOptions): Promise<void>
  whenDurable(options?: WaitOptions): Promise<Receipt>
  readonly leases: WorkspaceLeases
  transactOnce(edit: (draft: Draft) => void, options: KeyedOptions): Promise<KeyedReceipt>
  onReset(listener: (reset: Reset) => void): () => void
}

/** Names the run that is watched. */
export interface WatchedRun {
  readonly block: string
  readonly index: string
  readonly run: IndexingRun
}

/** Watches whether a run still is the current one of its index. Follows the workspace to a new document. */
export class RunWatch {
  readonly #host: RunHost
  readonly #watched: WatchedRun
  readonly #ended = new AbortController()
  readonly #stops: (() => void)[]
  #unobserve: (() => void) | undefined
  #lost: ClientError | undefined
  #settled: Promise<void> = Promise.resolve()

  constructor(host: RunHost, watched: WatchedRun) {
    this.#host = host
    this.#watched = watched
    this.#stops = [
      host.onReset((reset) => {
        this.#settled = this.#follow(reset)
      }),
      whenAborted(host.closeSignal, (reason) => this.abort(reason)),
    ]
    this.#observe()
  }

  /** Aborts when the run is no longer the current one, and when the workspace is replaced or closed. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  get list(): IndexingList | undefined {
    return this.#host.blocks.get(this.#watched.block)?.indexingList
  }

  get standing(): IndexingEntry | undefined {
    return this.list?.get(this.#watched.index)
  }

  get isStanding(): boolean {
    return this.standing?.run.id === this.#watched.run.id
  }

  /** Resolves when it is known whether the run stands: after a replaced document has synced. Throws if the run was lost. */
  async settle(): Promise<void> {
    await this.#settled
    throwIfAborted(this.#host.closeSignal)
    if (this.#lost !== undefined) throw this.#lost
  }

  /** Aborts {@link signal}. */
  abort(reason: unknown): void {
    abort(this.#ended, reason)
  }

  close(): void {
    this.#unobserve?.()
    for (const stop of this.#stops) stop()
  }

  #observe(): void {
    this.#unobserve = this.list?.observe(() => this.#look())
    this.#look()
  }

  #look(): void {
    if (this.isStanding) return
    this.abort(new ClientError('superseded', 'another run took over, or the index was removed'))
  }

  /** Follows the run to the document that replaced the old one, if it is there. */
  async #follow({ cause, code, reason }: Reset): Promise<void> {
    this.#unobserve?.()
    this.#unobserve = undefined
    if (cause === 'generation_changed' || cause === 'actor_changed') return this.#lose(new ClientError(cause, reason))
    try {
      await this.#host.untilSynced()
    } catch {
      // The workspace was closed or refused: `closeSignal` and the wait for the report tell the job.
      return
    }
    // The run's start was refused: the standing run, if any, is an earlier one.
    if (!this.isStanding && (this.standing?.run.no ?? 0) < this.#watched.run.no) {
      return this.#lose(new ClientError('rejected', reason, { ...(code && { rejection: code }) }))
    }
    this.#observe()
  }

  #lose(error: ClientError): void {
    this.#lost = error
    this.abort(error)
  }
}
