import type { LeasedWork, StepDone, StepFailed } from '@joinery/protocol'
import { backOffMs, pause } from './back-off.ts'
import type { Beats, Heard } from './beats.ts'
import type { Resources } from './contexts.ts'
import { failureOf } from './failure.ts'
import { beatOf, type Progress, type TellProgress } from './progress.ts'
import type { ServedSagas } from './served-sagas.ts'
import { mayPass, type ServerLink } from './server-link.ts'
import { callStep } from './step-call.ts'
import { WorkerError } from './worker-error.ts'

/** How an attempt ended, as its worker knows it. */
export type AttemptEnd =
  | { readonly end: 'done' }
  | { readonly end: 'failed'; readonly failed: StepFailed }
  /** The server has given the step to another, or counts it as ended: nothing of this attempt counts. */
  | { readonly end: 'lost'; readonly reason: string }
  /** Given back unfinished, since the worker stops. */
  | { readonly end: 'released' }

export interface AttemptHost {
  readonly sagas: ServedSagas
  readonly link: ServerLink
  readonly beats: Beats
  readonly resources: Resources
  /** Aborts when the worker can wait no longer. */
  readonly stopSignal: AbortSignal
}

/** Time for which an answer to a message may be awaited before it is sent again, ms. */
const ANSWER_MS = 30_000
/** Time for which a worker that stops waits for the answer to a release, ms. */
const RELEASE_MS = 2_000
/** Longest wait between two tries to tell the server the end of an attempt, ms: the lease is alive meanwhile. */
const TELL_AGAIN_MS = 5_000

type Outcome =
  | { readonly is: 'value'; readonly done: StepDone }
  | { readonly is: 'error'; readonly error: unknown }
  /** The code does not end although its signal has aborted. */
  | { readonly is: 'abandoned' }

/** Makes one attempt, and tells the server its end until that has answered. Never rejects. */
export async function makeAttempt(lease: LeasedWork, host: AttemptHost): Promise<AttemptEnd> {
  const { beats, stopSignal } = host
  const ended = new AbortController()
  const lost = new AbortController()
  const end = (error: WorkerError): void => ended.abort(error)
  const onHeard = (heard: Heard): void => {
    if (heard === 'lease_lost') lost.abort(new WorkerError('lease_lost', 'the lease of the attempt is lost'))
    end(heard === 'cancel' ? new WorkerError('canceled', 'the task is canceled') : lost.signal.reason)
  }
  const onStop = (): void => end(new WorkerError('stopped', 'the worker stops'))
  const { timeoutMs } = lease
  const onLate = (): void => end(new WorkerError('timed_out', `the attempt took longer than ${timeoutMs} ms`))
  const timer = timeoutMs === undefined ? undefined : setTimeout(onLate, timeoutMs)
  stopSignal.addEventListener('abort', onStop)
  beats.watch(lease.token, lease.leaseMs, onHeard)
  try {
    const outcome = await outcomeOf(lease, host, ended.signal)
    clearTimeout(timer)
    const reason: unknown = ended.signal.reason
    if (lost.signal.aborted) return { end: 'lost', reason: 'the lease of the attempt is lost' }
    if (outcome.is !== 'value' && reason instanceof WorkerError && reason.code === 'stopped')
      return await release(lease, host)
    const told = outcome.is === 'value' ? { done: outcome.done } : { failed: failureIn(outcome, reason) }
    return await tellEnd(lease, host, told, lost.signal)
  } catch (error) {
    return { end: 'lost', reason: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
    stopSignal.removeEventListener('abort', onStop)
    beats.forget(lease.token)
  }
}

/** Runs the code, and waits for its end; after an abort only for the grace that the server gives. */
async function outcomeOf(lease: LeasedWork, host: AttemptHost, signal: AbortSignal): Promise<Outcome> {
  const work = (async (): Promise<Outcome> => {
    try {
      const saga = host.sagas.sagaOf(lease)
      const beat: TellProgress = (told: Progress | number, total?: number, note?: string): void =>
        host.beats.tell(lease.token, beatOf(typeof told === 'number' ? { progress: told, total, note } : told))
      return { is: 'value', done: await callStep(saga, lease, { ...host, signal, beat }) }
    } catch (error) {
      return { is: 'error', error }
    }
  })()
  const over = new AbortController()
  const grace = (async (): Promise<Outcome> => {
    await new Promise<void>((resolve) => {
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', () => resolve())
    })
    const isStopping = signal.reason instanceof WorkerError && signal.reason.code === 'stopped'
    await pause(isStopping ? 0 : lease.cancelGraceMs, over.signal)
    return { is: 'abandoned' }
  })()
  try {
    return await Promise.race([work, grace])
  } finally {
    over.abort()
  }
}

/** The failure of an attempt. One that was ended from outside may have happened, whatever it threw, unless it says otherwise. */
function failureIn(outcome: Exclude<Outcome, { is: 'value' }>, reason: unknown): StepFailed {
  const failed = failureOf(outcome.is === 'error' ? outcome.error : reason)
  if (!(reason instanceof WorkerError)) return failed
  if (outcome.is === 'error' && failed.class === 'permanent') return failed
  return { ...failed, error: reason.message, class: 'unsure' }
}

/** Tells the server the end of the attempt, again and again until it answers, the lease is lost, or the worker stops. */
async function tellEnd(
  lease: LeasedWork,
  host: AttemptHost,
  told: { readonly done: StepDone } | { readonly failed: StepFailed },
  lost: AbortSignal,
): Promise<AttemptEnd> {
  const signal = AbortSignal.any([lost, host.stopSignal])
  const [what, body] = 'done' in told ? (['done', told.done] as const) : (['failed', told.failed] as const)
  for (let failures = 1; ; failures++) {
    try {
      await host.link.ask(pathOf(lease, what), { body, timeoutMs: ANSWER_MS, signal: lost })
      return 'done' in told ? { end: 'done' } : { end: 'failed', failed: told.failed }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (lost.aborted || isLost(error)) return { end: 'lost', reason }
      if (isPassing(error, host.link) && !signal.aborted) {
        await pause(backOffMs(failures, Math.random(), TELL_AGAIN_MS), signal)
        continue
      }
      // The server has refused what the step gave: the attempt has failed with its words, and the next would meet the same.
      if ('done' in told && !signal.aborted) {
        return await tellEnd(lease, host, { failed: { error: reason, class: 'permanent' } }, lost)
      }
      return { end: 'lost', reason }
    }
  }
}

function isPassing(error: unknown, link: ServerLink): boolean {
  if (mayPass(error)) return true
  return error instanceof WorkerError && error.status === 401 && link.canAskToken
}

/** `already_done`: the attempt has ended with another answer, which stands. */
function isLost(error: unknown): boolean {
  return error instanceof WorkerError && (error.refusal === 'lease_lost' || error.refusal === 'already_done')
}

async function release(lease: LeasedWork, { link }: AttemptHost): Promise<AttemptEnd> {
  await link.ask(pathOf(lease, 'release'), { timeoutMs: RELEASE_MS })
  return { end: 'released' }
}

function pathOf({ token }: LeasedWork, what: 'done' | 'failed' | 'release'): string {
  return `/v1/work/leases/${encodeURIComponent(token)}/${what}`
}
