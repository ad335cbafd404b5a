import type { IndexingEntry } from '@joinery/blocks'

const STATUSES = { notStarted: 'not started', processing: 'processing', done: 'done', error: 'failed' } as const

/** How an index is doing, in words; `none` where there is none. */
export function entryWords(entry: IndexingEntry | null): string {
  if (entry === null) return 'none'
  const { status, run, chunks, error } = entry
  const reason = error === undefined ? '' : `: ${error}`
  return `${STATUSES[status]}${reason} (attempt ${run.no}${chunks === undefined ? '' : `, ${chunks} chunk${chunks === 1 ? '' : 's'}`})`
}
