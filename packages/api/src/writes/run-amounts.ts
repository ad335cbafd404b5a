import type { IndexingEntry } from '@joinery/blocks'

/** The counts that a report may have. */
export interface RunAmounts {
  readonly chunks?: number
  readonly progress?: number
  readonly total?: number
}

/** Picks the counts of a report or an entry. Missing ones are left out. */
export function amountsOf({ chunks, progress, total }: OrUndefined<RunAmounts>): RunAmounts {
  return {
    ...(chunks !== undefined && { chunks }),
    ...(progress !== undefined && { progress }),
    ...(total !== undefined && { total }),
  }
}

export function hasSameAmounts(entry: IndexingEntry, other: OrUndefined<RunAmounts>): boolean {
  return entry.chunks === other.chunks && entry.progress === other.progress && entry.total === other.total
}

/** A report as a validated body holds it. */
type OrUndefined<T> = { readonly [K in keyof T]?: T[K] | undefined }
