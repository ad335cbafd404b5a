import type { IndexingEntry } from '@joinery/blocks'
import { amountWords } from '../amount-words.ts'

const STATUSES = { notStarted: 'not started', processing: 'processing', done: 'done', error: 'failed' } as const

/** Status of an index in words; `none` if there is no index. */
export function entryWords(entry: IndexingEntry | null): string {
  if (entry === null) return 'none'
  const { status, run, error } = entry
  const amount = amountWords(entry)
  const reason = error === undefined ? '' : `: ${error}`
  return `${STATUSES[status]}${reason} (attempt ${run.no}${amount === '' ? '' : `, ${amount}`})`
}
