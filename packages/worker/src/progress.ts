import type { Beat, Json } from '@joinery/protocol'
import { WORKER_LIMITS as LIMITS } from './limits.ts'
import { plainJson } from './plain-json.ts'
import { WorkerError } from './worker-error.ts'

/** The progress of an attempt, as people see it. */
export interface Progress {
  readonly progress?: number | undefined
  readonly total?: number | undefined
  readonly note?: string | undefined
  /** Given to the next attempt as `details` if this one ends without an answer. */
  readonly details?: Json
}

/** Tells the server how far the attempt is. Costs nothing: at most one message a second is sent, with the last values. */
export interface TellProgress {
  (told: Progress): void
  (progress: number, total?: number, note?: string): void
}

/** The values of a beat. Throws `bad_operation` for those that the server would refuse. */
export function beatOf({ progress, total, note, details }: Progress): Beat {
  return {
    ...(progress !== undefined && { progress: amount(progress, 'progress') }),
    ...(total !== undefined && { total: amount(total, 'total') }),
    ...(note !== undefined && { note: String(note).slice(0, LIMITS.errorLengthMax) }),
    ...(details !== undefined && {
      details: plainJson(details, { what: 'details', code: 'bad_operation', bytesMax: LIMITS.resultBytesMax }),
    }),
  }
}

function amount(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw new WorkerError('bad_operation', `beat: ${what} must be a finite number from 0, not ${String(value)}`)
}
