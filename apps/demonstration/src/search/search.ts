import type { IndexingEntry } from '@joinery/blocks'
import { LETTERS, type Passage, similarity, type TextEmbedder } from '@joinery/resources/search'
import { DemonstrationError } from '../demonstration-error.ts'
import type { VectorFiles } from './vector-files.ts'

export interface Match extends Passage {
  /** Cosine, above {@link LETTERS_SCORE_MIN} to 1. */
  readonly score: number
}

const MATCHES_MAX = 5
/** Least score of a match by letters: below it, two texts share a few letters by chance. A guess from looking at results. */
const LETTERS_SCORE_MIN = 0.12

export interface SearchQuestion {
  readonly workspace: string
  readonly block: string
  readonly index: string
  readonly query: string
}

/**
 * Finds the passages most similar to the query, best first, in the vectors of the run that the index shows. `entry`: the
 * entry that the index shows now. Rejects with `not_indexed` unless that is `done`, and with `vectors_missing`.
 */
export async function searchPassages(
  files: VectorFiles,
  entry: IndexingEntry | undefined,
  { workspace, block, index, query }: SearchQuestion,
  embedder: TextEmbedder = LETTERS,
): Promise<Match[]> {
  if (entry?.status !== 'done') {
    const how = entry === undefined ? 'does not exist' : `is "${entry.status}"`
    throw new DemonstrationError('not_indexed', `index "${index}" ${how}, and only a finished one can be searched`)
  }
  const passages = await files.read({ workspace, block, index, run: entry.run }, embedder.name)
  const [asked = new Float32Array()] = await embedder.embed([query])
  return passages
    .map(({ vector, ...passage }) => ({ ...passage, score: similarity(asked, vector) }))
    .filter(({ score }) => embedder !== LETTERS || score >= LETTERS_SCORE_MIN)
    .sort((a, b) => b.score - a.score)
    .slice(0, MATCHES_MAX)
}
