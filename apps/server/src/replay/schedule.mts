import { AppError } from '../app-error.mts'
import type { Patch, Trace } from './trace.mts'

/** One transaction as its author has to do it. */
export interface Step {
  /** Its place in the trace, for pacing. */
  readonly index: number
  readonly patches: readonly Patch[]
  /** How many transactions of each author this one had seen, by author: positions are right on exactly that text. */
  readonly seen: readonly number[]
}

/**
 * Splits a history by author. An author's transactions are a line, so whatever a transaction had seen of them is a
 * prefix. Throws {@link AppError} `usage` when an author's transaction had not seen the author's own one before it.
 */
export function scheduleByAuthor({ authorCount, transactions }: Trace): Step[][] {
  const stepsByAuthor: Step[][] = Array.from({ length: authorCount }, () => [])
  // What each transaction's readers have seen: its own past and itself.
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
