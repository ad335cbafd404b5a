import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'

/** What can be wrong with a store: SPEC.md says what each means. */
export type ProblemCode =
  | 'file_damaged'
  | 'manifest_torn'
  | 'marker_missing'
  | 'store_unreadable'
  | 'not_looked_at'
  | 'identity_damaged'
  | 'identity_missing'
  | 'name_mismatch'
  | 'roll_call_damaged'
  | 'stray_entry'
  | 'record_damaged'
  | 'segment_damaged'
  | 'record_missing'
  | 'time_backwards'
  | 'end_lost'
  | 'extent_damaged'
  | 'snapshot_damaged'
  | 'snapshot_missing'
  | 'key_damaged'
  | 'key_missing'
  | 'key_stray'
  | 'not_loadable'

/** One thing that is not as it should be. */
export interface Problem {
  readonly code: ProblemCode
  /** One line for a person: what is wrong, and where. */
  readonly message: string
  readonly lsn?: Lsn
  readonly file?: string
  /** Byte of {@link file}. */
  readonly offset?: number
}

/** More than this of one workspace tells nobody more, and a report has to fit into memory. */
const LISTED_MAX = 100

/** The problems of one workspace or store, the first hundred of them word for word. */
export class Problems {
  readonly listed: Problem[] = []
  count = 0

  add(problem: Problem): void {
    this.count++
    if (this.listed.length < LISTED_MAX) this.listed.push(problem)
  }
}

/** The message of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whether what was thrown says that something stored is damaged, rather than that it could not be looked at. */
export function isDamage(error: unknown): boolean {
  return error instanceof LogError && error.code === 'corrupted'
}
