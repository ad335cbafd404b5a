import type { Beat, StepDone, StepFailed } from '@joinery/protocol'
import { redactIn } from '@joinery/resources'
import type { TaskView } from '@joinery/tasks'

/** Takes secrets out of a text. */
export type Redact = (text: string) => string

/** Operations that say in words why something went wrong, or repeat what a service has said. */
interface WithWords {
  readonly op?: unknown
  readonly error?: unknown
  readonly stalled?: unknown
  readonly detail?: unknown
}

/*
 * Words of workers, jobs and the services behind them go into journals, documents, streams and deliveries, where many people read them.
 * They all come in by the messages below. A library or a service may repeat in them the URL that it was called with, which is signed.
 */

/** The failure of an attempt without secrets. */
export function cleanFailed<T extends Pick<StepFailed, 'error'>>(failed: T, redact: Redact): T {
  return { ...failed, error: redact(failed.error) }
}

export function cleanBeat<T extends Pick<Beat, 'note'>>(beat: T, redact: Redact): T {
  return beat.note === undefined ? beat : { ...beat, note: redact(beat.note) }
}

export function cleanDone<T extends Pick<StepDone, 'operations'>>(done: T, redact: Redact): T {
  return done.operations === undefined ? done : { ...done, operations: cleanOperations(done.operations, redact) }
}

/**
 * Operations whose errors, reasons of a stall, and details of reports have no secrets. All else of them is what somebody wants to write:
 * the details that start a run are what its adapter is to do.
 */
export function cleanOperations<T>(operations: readonly T[], redact: Redact): T[] {
  return operations.map((operation) => {
    if (typeof operation !== 'object' || operation === null) return operation
    const { op, error, stalled, detail } = operation as WithWords
    const why =
      typeof stalled === 'object' && stalled !== null ? (stalled as { readonly why?: unknown }).why : undefined
    const isReport = op === 'reportStatus' && detail !== undefined
    if (typeof error !== 'string' && typeof why !== 'string' && !isReport) return operation
    return {
      ...operation,
      ...(typeof error === 'string' && { error: redact(error) }),
      ...(isReport && { detail: redactIn(detail, redact) }),
      ...(typeof why === 'string' && { stalled: { ...(stalled as object), why: redact(why) } }),
    }
  })
}

/** A task whose results have no secrets: the next steps are given them as they are, and all readers of the workspace see them so. */
export function cleanView(task: TaskView, redact: Redact): TaskView {
  const { results, steps } = task
  return {
    ...task,
    ...(results !== undefined && { results: redactIn(results, redact) }),
    steps: redactIn(steps, redact),
  }
}
