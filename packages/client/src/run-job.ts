import type { IndexingEntry, IndexingRun, JsonObject, Source } from '@joinery/blocks'
import { ClientError } from './client-error.ts'
import type { ProgressStep } from './presence.ts'
import type { Workspace } from './workspace.ts'

/** What a job is handed. */
export interface JobContext {
  readonly run: IndexingRun
  /** Aborts when another run stands, when the entry is removed, and when the caller's signal does: then stop, politely. */
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
  /** Ends the job: the run is reported as `error` with the signal's reason. */
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
 * Starts a run, runs the job, reports. Resolves when the report is durable on the server. Rejects with blocks'
 * `RunSupersededError` when a run of a higher-priority source is under way, with `block_missing` when there is no such
 * block, and with what `whenSynced` and `whenDurable` reject with.
 */
export async function runJob(
  workspace: Workspace,
  blockId: string,
  index: string,
  job: Job,
  { source, actor, collectionConfigs, signal, runId }: RunJobOptions,
): Promise<JobOutcome> {
  signal?.throwIfAborted()
  await workspace.whenSynced
  const block = workspace.blocks.get(blockId)
  if (block === undefined) throw new ClientError('block_missing', `there is no block ${blockId}`)
  const list = block.indexingList
  const author = { source, actor }
  const run = list.startRun(index, {
    ...author,
    ...(collectionConfigs && { collectionConfigs }),
    ...(runId && { runId }),
  })
  const superseded = new AbortController()
  const isOurs = (): boolean => list.get(index)?.run.id === run.id
  const unobserve = list.observe(() => {
    if (!isOurs()) superseded.abort(new ClientError('superseded', 'another run stands, or the index was removed'))
  })
  const key = `${blockId}/${index}`
  let last = 0
  const progress = (done: number, total?: number, note?: string): void => {
    last = done
    const step: ProgressStep = {
      run: run.id,
      done,
      ...(total === undefined ? {} : { total }),
      ...(note ? { note } : {}),
    }
    workspace.presence.setProgress(key, step)
  }
  const signals = signal === undefined ? [superseded.signal] : [superseded.signal, signal]
  let outcome: JobOutcome
  try {
    const chunks = await job({ run, signal: AbortSignal.any(signals), content: block.content.toString(), progress })
    signal?.throwIfAborted()
    if (isOurs()) list.report(index, run, 'done', { ...author, chunks: chunks ?? last })
    outcome = isOurs() ? { outcome: 'done', run } : { outcome: 'superseded', run, standing: list.get(index) }
  } catch (error) {
    outcome = isOurs() ? { outcome: 'error', run, error } : { outcome: 'superseded', run, standing: list.get(index) }
    const message = error instanceof Error ? error.message : String(error)
    // The last step stays readable in the report, since the presence that showed it goes.
    if (isOurs()) list.report(index, run, 'error', { ...author, error: message, ...(last > 0 && { chunks: last }) })
  } finally {
    unobserve()
    workspace.presence.setProgress(key, undefined)
  }
  await workspace.whenDurable()
  return outcome
}
