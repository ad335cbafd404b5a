export { embed, HASHED_NGRAMS, similarity } from './hashed-ngrams.ts'
export { type Passage, splitPassages } from './passages.ts'
export { LETTERS, type TextEmbedder } from './text-embedder.ts'
