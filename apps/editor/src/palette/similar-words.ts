import type { SearchResult } from '@joinery/client'

/** Says by which model passages are similar, what is missing, and why they are not by a better one. */
export function similarWords({ by, model, pending, problem }: SearchResult): string {
  const how = by === 'meaning' ? `Similar by meaning (${model}).` : `Similar by letters (${model}).`
  const missing = pending === 0 ? '' : ` ${pending} passages are not read yet.`
  const why = problem === undefined ? '' : ` The language model can’t be asked: ${problem}.`
  return `${how}${missing}${why}`
}
