import {
  CLAIM_LIMITS,
  type IndexingEntry,
  type IndexingList,
  type IndexingRun,
  type JsonObject,
  type Source,
} from '@joinery/blocks'
import { abort, whenAborted } from './abort.ts'
import { ClientError } from './client-error.ts'
import type { Lease } from './lease.ts'
import type { ProgressStep } from './presence.ts'
import { type RunHost, RunWatch } from './run-watch.ts'

/** The argument of a job. */
export interface JobContext {
  readonly run: IndexingRun
  /** The lease that an exclusive job holds: writes under it are refused once another job may run. */
  readonly lease: Lease | undefined
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
  /**
   * Waits until no other exclusive job of this index runs, and holds the lease `run:<block>/<index>` meanwhile. When the holder
   * dies, the next starts after `ttlMs` (30,000 ms by default). Job and reports of a holder that lost the lease count no more.
   */
  readonly exclusive?: boolean | { readonly ttlMs: number }
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
  options: RunJobOptions,
): Promise<JobOutcome> {
  const { exclusive, actor, signal } = options
  if (!exclusive) return run(host, blockId, index, job, options, undefined)
  await host.untilSynced({ signal })
  listOf(host, blockId)
  const ttl = typeof exclusive === 'object' ? exclusive : {}
  const lease = await host.leases.acquire(`run:${blockId}/${index}`, { ...ttl, holder: actor, signal })
  try {
    return await run(host, blockId, index, job, options, lease)
  } finally {
    // Where no server hears of it, the lease ends by itself.
    const released = lease.release().catch(() => undefined)
    if (!signal?.aborted) await released
  }
}

/** The list of a block. Throws `block_missing`. */
function listOf({ blocks }: Pick<RunHost, 'blocks'>, blockId: string): IndexingList {
  const block = blocks.get(blockId)
  if (block === undefined) throw new ClientError('block_missing', `there is no block ${blockId}`)
  return block.indexingList
}

async function run(
  host: RunHost,
  blockId: string,
  index: string,
  job: Job,
  { source, actor, collectionConfigs, signal, runId }: RunJobOptions,
  lease: Lease | undefined,
): Promise<JobOutcome> {
  await host.untilSynced({ signal })
  const author = { source, actor }
  const write = (edit: (list: IndexingList) => void) => writeList(host, blockId, edit, { lease, signal })
  let started: IndexingRun | undefined
  await write((list) => {
    started = list.startRun(index, {
      ...author,
      ...(collectionConfigs && { collectionConfigs }),
      ...(runId && { runId }),
    })
  })
  if (started === undefined) throw new Error('a run was started and is not known')
  const run: IndexingRun = started
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
  const unhold = lease && whenAborted(lease.signal, (reason) => watch.abort(reason))
  try {
    const content = host.blocks.get(blockId)?.text ?? ''
    const result = await settled(() => job({ run, lease, signal: watch.signal, content, progress }))
    await watch.settle()
    outcome = await report({ watch, index, run, author, last, signal, write }, result)
  } finally {
    unlisten?.()
    unhold?.()
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
  readonly write: (edit: (list: IndexingList) => void) => Promise<void>
}

/** Writes how the job ended, unless another run took over. */
async function report(
  { watch, index, run, author, last, signal, write }: Report,
  result: JobResult,
): Promise<JobOutcome> {
  if (watch.list === undefined || !watch.isStanding) return { outcome: 'superseded', run, standing: watch.standing }
  if (result.isDone && !signal?.aborted) {
    const { chunks = last } = result
    const isWritten = await unlessLost(write((list) => void list.report(index, run, 'done', { ...author, chunks })))
    return isWritten ? { outcome: 'done', run } : { outcome: 'superseded', run, standing: watch.standing }
  }
  const error: unknown = result.isDone ? signal?.reason : result.error
  const message = (error instanceof Error ? error.message : String(error)).slice(0, CLAIM_LIMITS.errorLengthMax)
  // Presence ends with the job: the report keeps the last step.
  const isWritten = await unlessLost(
    write(
      (list) => void list.report(index, run, 'error', { ...author, error: message, ...(last > 0 && { chunks: last }) }),
    ),
  )
  return isWritten ? { outcome: 'error', run, error } : { outcome: 'superseded', run, standing: watch.standing }
}

/** False when the lease was lost before the write: nothing was written then. */
async function unlessLost(written: Promise<void>): Promise<boolean> {
  try {
    await written
    return true
  } catch (error) {
    if (error instanceof ClientError && error.code === 'lease_lost') return false
    throw error
  }
}

/** Edits the list of a block, in the document itself or, under a lease, at the server. */
async function writeList(
  host: RunHost,
  blockId: string,
  edit: (list: IndexingList) => void,
  { lease, signal }: { readonly lease: Lease | undefined; readonly signal: AbortSignal | undefined },
): Promise<void> {
  if (lease === undefined) return edit(listOf(host, blockId))
  // An aborted job reports all the same.
  const options = signal?.aborted ? {} : { signal }
  await lease.transact((draft) => edit(listOf(draft, blockId)), options)
}
