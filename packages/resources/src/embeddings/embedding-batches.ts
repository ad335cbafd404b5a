import { ResourceError } from '../resource-error.ts'

/** Bounds of one call. A token has at least one byte in common vocabularies, so the bound of bytes is one of tokens, too. */
export interface BatchBounds {
  readonly itemsMax: number
  /** Bytes of UTF-8. */
  readonly bytesMax: number
}

/**
 * Splits texts into the inputs of calls, in their order. Throws `rejected` ({@link ResourceError}) for a blank text, which services
 * refuse, and for one that is larger than a call may be.
 */
export function batchesOf(texts: readonly string[], { itemsMax, bytesMax }: BatchBounds): string[][] {
  const batches: string[][] = []
  let batch: string[] = []
  let bytes = 0
  for (const [index, text] of texts.entries()) {
    const size = Buffer.byteLength(text)
    if (text.trim() === '') throw new ResourceError('rejected', `text ${index} is blank: leave it out`)
    if (size > bytesMax) {
      throw new ResourceError('rejected', `text ${index} has ${size} bytes, and a call takes ${bytesMax}: split it`)
    }
    if (batch.length === itemsMax || bytes + size > bytesMax) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(text)
    bytes += size
  }
  return batch.length === 0 ? batches : [...batches, batch]
}
