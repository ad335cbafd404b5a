import { CLAIM_LIMITS, type IndexingEntry, type IndexingRun, type JsonObject, type Source } from '@joinery/blocks'
import { ClientError } from './client-error.ts'
import type { ProgressStep } from './presence.ts'
import { type RunHost, RunWatch } from './run-watch.ts'

/** What a job is handed. */
export interface JobContext {
  readonly run: IndexingRun
  /**
   * Aborts when another run stands, when the entry is removed, when the workspace is closed or replaced, and when the
   * caller's signal does: then stop, politely.
   */
  readonly signal: AbortSignal
  /** The block's text as of the start. */
  readonly content: string
  /** Shows how far it is, through presence: nothing of it stays in the document. */
  progress(done: number, total?: number, note?: string): void
}

/** Builds the index. Returns how many chunks it holds, or nothing. What it throws is reported as `error`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a job that counts nothing is written as a plain async function
export type Job = (context: JobContext) => Promise<number | void>

export interface RunJobOptions {
  readonly source: Source
  readonly actor: string
  readonly collectionConfigs?: JsonObject
  /**
   * Ends the job: the run is reported as `error` with the signal's reason. That is waited for while the server takes it; else
   * `withRun` rejects with the reason, and the report goes up with the next connection, if the workspace stays open. Before
   * the run has started, and while a report is on its way, it ends the wait.
   */
  readonly signal?: AbortSignal
  /** Names the run, so that a job started again after a crash goes on with the run it had started. */
  readonly runId?: string
}

/** How a job ended. `superseded` is no failure: another run stands, and nothing was reported over it. */
export type JobOutcome =
  | { readonly outcome: 'done'; readonly run: IndexingRun }
  | { readonly outcome: 'error'; readonly run: IndexingRun; readonly error: unknown }
  | { readonly outcome: 'superseded'; readonly run: IndexingRun; readonly standing: IndexingEntry | undefined }

/**
 * Starts a run, runs the job, reports. From the start to the end others see the run in `presence.progress`, whether it says
 * anything or not: who finds an unfinished run there knows that somebody is at it, and when the process dies it goes.
 * Resolves when the report is durable on the server. A lost connection ends nothing. Rejects with blocks'
 * `RunSupersededError` when a run of a higher-priority source is under way, with `block_missing` when there is no such
 * block, with `rejected` when the server refuses the run or its report, with `generation_changed`, `closed` and what else
 * `whenSynced` and `whenDurable` reject with.
 */
export async function runJob(
  host: RunHost,
  blockId: string,
  index: string,
  job: Job,
  { source, actor, collectionConfigs, signal, runId }: RunJobOptions,
): Promise<JobOutcome> {
  await host.untilSynced({ signal })
  const block = host.blocks.get(blockId)
  if (block === undefined) throw new ClientError('block_missing', `there is no block ${blockId}`)
  const author = { source, actor }
  const run = block.indexingList.startRun(index, {
    ...author,
    ...(collectionConfigs && { collectionConfigs }),
    ...(runId && { runId }),
  })
  const watch = new RunWatch(host, { block: blockId, index, run })
  let last = 0
  const show = (step: ProgressStep | undefined): void => host.presence.setProgress(`${blockId}/${index}`, step)
  const progress: JobContext['progress'] = (done, total, note) => {
    last = done
    show({ run: run.id, done, ...(total === undefined ? {} : { total }), ...(note ? { note } : {}) })
  }
  progress(0)
  let outcome: JobOutcome
  try {
    const content = block.content.toString()
    const ends = AbortSignal.any(signal === undefined ? [watch.signal] : [watch.signal, signal])
    const result = await settled(() => job({ run, signal: ends, content, progress }))
    await watch.settle()
    outcome = report({ watch, index, run, author, last, signal }, result)
  } finally {
    watch.close()
    show(undefined)
  }
  await whenReported(host, signal)
  return outcome
}

/** Resolves when the report is durable. Who has given up waits only as long as something can come of it. */
async function whenReported(host: RunHost, signal: AbortSignal | undefined): Promise<void> {
  if (!signal?.aborted) return void (await host.whenDurable({ signal }))
  const futile = new AbortController()
  const look = (): void => {
    if (['offline', 'held'].includes(host.saveStatus.get().state)) futile.abort(signal.reason)
  }
  const stop = host.saveStatus.subscribe(look)
  look()
  try {
    await host.whenDurable({ signal: futile.signal })
  } finally {
    stop()
  }
}

type JobResult =
  | { readonly isDone: true; readonly chunks: number | undefined }
  | { readonly isDone: false; readonly error: unknown }

async function settled(job: () => ReturnType<Job>): Promise<JobResult> {
  try {
    return { isDone: true, chunks: (await job()) ?? undefined }
  } catch (error) {
    return { isDone: false, error }
  }
}

interface Report {
  readonly watch: RunWatch
  readonly index: string
  readonly run: IndexingRun
  readonly author: Pick<RunJobOptions, 'source' | 'actor'>
  /** The last step that the job showed. */
  readonly last: number
  readonly signal: AbortSignal | undefined
}

/** Writes how the job ended, unless another run stands. */
function report({ watch, index, run, author, last, signal }: Report, result: JobResult): JobOutcome {
  const { list } = watch
  if (list === undefined || !watch.isStanding) return { outcome: 'superseded', run, standing: watch.standing }
  if (result.isDone && !signal?.aborted) {
    list.report(index, run, 'done', { ...author, chunks: result.chunks ?? last })
    return { outcome: 'done', run }
  }
  const error: unknown = result.isDone ? signal?.reason : result.error
  const message = (error instanceof Error ? error.message : String(error)).slice(0, CLAIM_LIMITS.errorLengthMax)
  // The last step stays readable in the report, since the presence that showed it goes.
  list.report(index, run, 'error', { ...author, error: message, ...(last > 0 && { chunks: last }) })
  return { outcome: 'error', run, error }
}
