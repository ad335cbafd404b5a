import type { IndexingEntry } from '@joinery/blocks'

/** Size of an index in words, or its progress while it is being built; empty if nobody has reported either. */
export function amountWords({ status, chunks, progress, total }: IndexingEntry): string {
  if (status === 'processing' && progress !== undefined) {
    if (total !== undefined) return `${progress} of ${total}`
    return progress < 1 ? `${Math.round(progress * 100)} %` : `${progress}`
  }
  return chunks === undefined ? '' : `${chunks} chunk${chunks === 1 ? '' : 's'}`
}
