import { embed, HASHED_NGRAMS } from './hashed-ngrams.ts'

/** Makes vectors of length 1 from texts. Those of one name can be compared. */
export interface TextEmbedder {
  /** Name for people. */
  readonly name: string
  embed(texts: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<readonly Float32Array[]>
}

/** Knows words, and no meaning: the one that needs no service. */
export const LETTERS: TextEmbedder = { name: HASHED_NGRAMS, embed: async (texts) => texts.map(embed) }
