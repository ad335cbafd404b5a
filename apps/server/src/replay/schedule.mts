import { AppError } from '../app-error.mts'
import type { Patch, Trace } from './trace.mts'

/** One transaction of an author, with what it had seen. */
export interface Step {
  /** Index of the transaction in the trace, for pacing. */
  readonly index: number
  readonly patches: readonly Patch[]
  /** Number of transactions of each author that this one had seen, by author: its positions are right in exactly that text. */
  readonly seen: readonly number[]
}

/**
 * Splits a history by author. An author's transactions follow each other, so a transaction has always seen a prefix of
 * them. Throws {@link AppError} `usage` if a transaction had not seen its author's own previous one.
 */
export function scheduleByAuthor({ authorCount, transactions }: Trace): Step[][] {
  const stepsByAuthor: Step[][] = Array.from({ length: authorCount }, () => [])
  // By transaction: the counts that a reader of it has seen, that is its past and itself.
  const knownAfter: number[][] = []
  for (const [index, { author, parents, patches }] of transactions.entries()) {
    const seen = new Array<number>(authorCount).fill(0)
    for (const parent of parents) {
      for (const [other, known] of (knownAfter[parent] ?? []).entries()) seen[other] = Math.max(seen[other] ?? 0, known)
    }
    const steps = stepsByAuthor[author] ?? []
    if (seen[author] !== steps.length) {
      const message = `that is no trace to replay: txns.${index}: author ${author} has not seen the author's own last transaction`
      throw new AppError('usage', message)
    }
    steps.push({ index, patches, seen })
    knownAfter.push(seen.with(author, steps.length))
  }
  return stepsByAuthor
}
