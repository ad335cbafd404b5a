import { CLAIM_LIMITS, type IndexingEntry, type IndexingRun, type JsonObject, type Source } from '@joinery/blocks'
import { abort, whenAborted } from './abort.ts'
import { ClientError } from './client-error.ts'
import type { ProgressStep } from './presence.ts'
import { type RunHost, RunWatch } from './run-watch.ts'

/** The argument of a job. */
export interface JobContext {
  readonly run: IndexingRun
  /**
   * Aborts when another run takes over, the entry is removed, the workspace is closed or replaced, or the caller's signal
   * aborts. Then the job should stop.
   */
  readonly signal: AbortSignal
  /** The block's text when the run started. */
  readonly content: string
  /** Shows the job's progress to everybody through presence. The document does not hold it. */
  progress(done: number, total?: number, note?: string): void
}

/** Builds the index. Returns the number of chunks, or nothing. If it throws, the run is reported as `error`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a job that counts nothing is written as a plain async function
export type Job = (context: JobContext) => Promise<number | void>

export interface RunJobOptions {
  readonly source: Source
  readonly actor: string
  readonly collectionConfigs?: JsonObject
  /**
   * Ends the job: the run is reported as `error` with the signal's reason. While the server accepts edits, `withRun` waits until
   * the report is durable. Otherwise it rejects with the reason, and the next connection sends the report if the workspace stays
   * open. Before the run has started, and while a report is on its way, the signal ends the wait.
   */
  readonly signal?: AbortSignal
  /** Id of the run. A job that starts again after a crash with the same id continues its run. */
  readonly runId?: string
}

/** How a job ended. `superseded` is no failure: another run took over, and nothing was reported over it. */
export type JobOutcome =
  | { readonly outcome: 'done'; readonly run: IndexingRun }
  | { readonly outcome: 'error'; readonly run: IndexingRun; readonly error: unknown }
  | { readonly outcome: 'superseded'; readonly run: IndexingRun; readonly standing: IndexingEntry | undefined }

/**
 * Starts a run, runs the job, and reports how it ended. From start to end others see the run in `presence.progress`, also if the
 * job reports no progress; if the process dies, it disappears there. Resolves when the report is durable on the server. A lost
 * connection does not end the job. Rejects with `RunSupersededError` of `@joinery/blocks` when a run of a higher-priority source
 * is unfinished, with `block_missing` when there is no such block, with `rejected` when the server refuses the run or its
 * report, and as `whenSynced` and `whenDurable` do.
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
  const unlisten = signal && whenAborted(signal, (reason) => watch.abort(reason))
  try {
    const content = block.text
    const result = await settled(() => job({ run, signal: watch.signal, content, progress }))
    await watch.settle()
    outcome = report({ watch, index, run, author, last, signal }, result)
  } finally {
    unlisten?.()
    watch.close()
    show(undefined)
  }
  await whenReported(host, signal)
  return outcome
}

/** Resolves when the report is durable. After an abort it waits only while the server accepts edits. */
async function whenReported(host: RunHost, signal: AbortSignal | undefined): Promise<void> {
  if (!signal?.aborted) return void (await host.whenDurable({ signal }))
  const futile = new AbortController()
  const look = (): void => {
    if (['offline', 'held'].includes(host.saveStatus.get().state)) abort(futile, signal.reason)
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
  /** The last progress that the job showed. */
  readonly last: number
  readonly signal: AbortSignal | undefined
}

/** Writes how the job ended, unless another run took over. */
function report({ watch, index, run, author, last, signal }: Report, result: JobResult): JobOutcome {
  const { list } = watch
  if (list === undefined || !watch.isStanding) return { outcome: 'superseded', run, standing: watch.standing }
  if (result.isDone && !signal?.aborted) {
    list.report(index, run, 'done', { ...author, chunks: result.chunks ?? last })
    return { outcome: 'done', run }
  }
  const error: unknown = result.isDone ? signal?.reason : result.error
  const message = (error instanceof Error ? error.message : String(error)).slice(0, CLAIM_LIMITS.errorLengthMax)
  // Presence ends with the job: the report keeps the last step.
  list.report(index, run, 'error', { ...author, error: message, ...(last > 0 && { chunks: last }) })
  return { outcome: 'error', run, error }
}
