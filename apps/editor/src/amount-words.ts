import type { IndexingEntry } from '@joinery/blocks'

/** How much of an index there is, in words; empty where nobody said. While it is made, how far that is comes first. */
export function amountWords({ status, chunks, progress, total }: IndexingEntry): string {
  if (status === 'processing' && progress !== undefined) {
    if (total !== undefined) return `${progress} of ${total}`
    return progress < 1 ? `${Math.round(progress * 100)} %` : `${progress}`
  }
  return chunks === undefined ? '' : `${chunks} chunk${chunks === 1 ? '' : 's'}`
}
