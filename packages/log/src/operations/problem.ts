import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'

/** Kinds of problems that a store can have: SPEC.md says what each means. */
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
  | 'chain_damaged'
  | 'chain_mismatch'

/** One problem that a verification found. */
export interface Problem {
  readonly code: ProblemCode
  /** One line for a person: the problem and where it is. */
  readonly message: string
  readonly lsn?: Lsn
  readonly file?: string
  /** Offset in {@link file}. */
  readonly offset?: number
}

/** Most problems of one workspace in a report: more would not help, and a report has to fit into memory. */
const LISTED_MAX = 100

/** Collects the problems of one workspace or store. It keeps the first hundred and counts the rest. */
export class Problems {
  readonly listed: Problem[] = []
  count = 0

  add(problem: Problem): void {
    this.count++
    if (this.listed.length < LISTED_MAX) this.listed.push(problem)
  }
}

/** The message of a thrown value. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whether a thrown value says that stored bytes are damaged, rather than that they could not be read. */
export function isDamage(error: unknown): boolean {
  return error instanceof LogError && error.code === 'corrupted'
}
