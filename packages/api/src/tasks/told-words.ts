import type { Beat, StepDone, StepFailed } from '@joinery/protocol'

/** Takes secrets out of a text. */
export type Redact = (text: string) => string

/** Operations that say in words why something went wrong. */
interface WithWords {
  readonly error?: unknown
  readonly stalled?: unknown
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

/** Operations whose errors, and reasons of a stall, have no secrets. All else of them is what somebody wants to write. */
export function cleanOperations<T>(operations: readonly T[], redact: Redact): T[] {
  return operations.map((operation) => {
    if (typeof operation !== 'object' || operation === null) return operation
    const { error, stalled } = operation as WithWords
    const why =
      typeof stalled === 'object' && stalled !== null ? (stalled as { readonly why?: unknown }).why : undefined
    if (typeof error !== 'string' && typeof why !== 'string') return operation
    return {
      ...operation,
      ...(typeof error === 'string' && { error: redact(error) }),
      ...(typeof why === 'string' && { stalled: { ...(stalled as object), why: redact(why) } }),
    }
  })
}
