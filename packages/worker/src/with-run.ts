import type { LeasedWork } from '@joinery/protocol'
import { backOffMs, pause } from './back-off.ts'
import { WORKER_LIMITS } from './limits.ts'
import type { TellProgress } from './progress.ts'
import { mayPass, type ServerLink } from './server-link.ts'
import { WorkerError } from './worker-error.ts'

/** Time between two reports of progress, ms: each is a record. */
const REPORT_MS = 1_000
const ANSWER_MS = 30_000

/** The run of an index, as the server has started it. */
export interface IndexRun {
  readonly no: number
  readonly id: string
  readonly source: string
}

/** The argument of a job that builds an index. */
export interface IndexJobContext {
  readonly run: IndexRun
  /** The block's text when the run began. */
  readonly content: string
  /** Aborts with the attempt, and when another run takes over. */
  readonly signal: AbortSignal
  /** Shows how far the run is, at most once a second. */
  progress(done: number, total?: number, note?: string): void
}

/** Builds an index. Returns the number of its chunks, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a job that counts nothing is written as a plain async function
export type IndexJob = (context: IndexJobContext) => Promise<number | void> | number | void

export interface WithRunOptions {
  /** Names the run: the attempt's `runId` by default. */
  readonly runId?: string
  readonly source?: string
  readonly collectionConfigs?: Readonly<Record<string, unknown>>
}

/** The end of a run. `superseded` is no failure: another run took over, and nothing was reported over it. */
export interface WithRunOutcome {
  readonly outcome: 'done' | 'superseded'
  readonly run: IndexRun
  readonly chunks?: number
}

/**
 * Starts a run of an index, runs the job, and reports its end. If the job throws, the run is reported as `error` and the error is
 * thrown. Each write counts only while the lease of the attempt stands.
 */
export type WithRun = (block: string, index: string, job: IndexJob, options?: WithRunOptions) => Promise<WithRunOutcome>

export interface WithRunHost {
  readonly link: ServerLink
  readonly lease: LeasedWork
  readonly signal: AbortSignal
  readonly runId: string
  readonly beat: TellProgress
}

export function createWithRun(host: WithRunHost): WithRun {
  return (block, index, job, options = {}) => new IndexingRun(host, block, index, options).make(job)
}

interface BlockAnswer {
  readonly content: string
  readonly indexingList: readonly { readonly index_name: string; readonly run: IndexRun }[]
}

/** One run of an index under the lease of an attempt. */
class IndexingRun {
  readonly #host: WithRunHost
  readonly #block: string
  readonly #index: string
  readonly #runId: string
  readonly #options: WithRunOptions
  readonly #ended = new AbortController()
  readonly #signal: AbortSignal
  #writes = 0
  #reported: { readonly progress: number; readonly total?: number } | undefined
  #isReporting = false

  constructor(host: WithRunHost, block: string, index: string, options: WithRunOptions) {
    this.#host = host
    this.#block = block
    this.#index = index
    this.#options = options
    this.#runId = options.runId ?? host.runId
    this.#signal = AbortSignal.any([host.signal, this.#ended.signal])
  }

  async make(job: IndexJob): Promise<WithRunOutcome> {
    const { collectionConfigs } = this.#options
    const { content, indexingList } = await this.#write({
      op: 'startRun',
      runId: this.#runId,
      ...(collectionConfigs && { collectionConfigs }),
    })
    const run = indexingList.find((entry) => entry.index_name === this.#index)?.run
    const asked = { no: run?.no ?? 0, id: this.#runId, source: run?.source ?? '' }
    if (run?.id !== this.#runId) return { outcome: 'superseded', run: run ?? asked }
    try {
      const chunks = await job({ run, content, signal: this.#signal, progress: (...told) => this.#progress(...told) })
      await this.#report({ status: 'done', ...(typeof chunks === 'number' && { chunks }) })
      return { outcome: 'done', run, ...(typeof chunks === 'number' && { chunks }) }
    } catch (error) {
      if (isSuperseded(error) || isSuperseded(this.#ended.signal.reason)) return { outcome: 'superseded', run }
      // Under a lease that is lost nothing can be written.
      if (this.#host.signal.aborted && codeOf(this.#host.signal.reason) === 'lease_lost') throw error
      const message = error instanceof Error ? error.message : String(error)
      await this.#report({ status: 'error', error: message.slice(0, WORKER_LIMITS.errorLengthMax) }).catch(
        () => undefined,
      )
      throw error
    } finally {
      this.#ended.abort()
    }
  }

  #progress(done: number, total?: number, note?: string): void {
    this.#host.beat(done, total, note)
    this.#reported = { progress: done, ...(total !== undefined && { total }) }
    if (!this.#isReporting) void this.#reportProgress()
  }

  async #reportProgress(): Promise<void> {
    this.#isReporting = true
    try {
      while (this.#reported !== undefined && !this.#signal.aborted) {
        const told = this.#reported
        this.#reported = undefined
        await this.#report({ status: 'processing', ...told })
        await pause(REPORT_MS, this.#signal)
      }
    } catch (error) {
      // A lost report of progress harms nothing; a run that another has taken over ends the job.
      if (isSuperseded(error)) this.#ended.abort(error)
    } finally {
      this.#isReporting = false
    }
  }

  async #report(told: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#write({ op: 'report', run: this.#runId, ...told })
  }

  /** Makes one operation under the lease, once, however often it has to be sent. */
  async #write(operation: Readonly<Record<string, unknown>>): Promise<BlockAnswer> {
    const { link, lease } = this.#host
    const key = `${lease.key}/${lease.attempt}/${this.#block}/${this.#index}/${this.#writes++}`
    const operations = [{ block: this.#block, index: this.#index, ...operation }]
    for (let failures = 1; ; failures++) {
      try {
        const { blocks } = await link.ask<{ blocks: Record<string, BlockAnswer> }>(
          `/v1/workspaces/${encodeURIComponent(lease.workspace)}/transactions`,
          {
            body: { operations },
            timeoutMs: ANSWER_MS,
            headers: {
              'x-joinery-lease': lease.token,
              'x-joinery-source': this.#options.source ?? 'workflow_execution',
              'idempotency-key': key,
            },
          },
        )
        const block = blocks[this.#block]
        if (block === undefined) throw new WorkerError('request_refused', `the server answered no block ${this.#block}`)
        return block
      } catch (error) {
        if (!mayPass(error) || this.#signal.aborted) throw error
        await pause(backOffMs(failures, Math.random()), this.#signal)
      }
    }
  }
}

function isSuperseded(error: unknown): boolean {
  return error instanceof WorkerError && error.refusal === 'run_superseded'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof WorkerError ? error.code : undefined
}
