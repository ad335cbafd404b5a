import type { IndexingEntry } from '@joinery/blocks'

/** What a report may count. */
export interface RunAmounts {
  readonly chunks?: number
  readonly progress?: number
  readonly total?: number
}

/** The counts alone of a report or an entry; what it doesn't count is left out. */
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

/** As a validated body has it. */
type OrUndefined<T> = { readonly [K in keyof T]?: T[K] | undefined }
