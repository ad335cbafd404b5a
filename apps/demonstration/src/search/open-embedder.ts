import type { EmbeddingsConfig } from '@joinery/resources'
import { LETTERS, type TextEmbedder } from '@joinery/resources/search'

/** The embedding service that an operator has configured. */
export interface ConfiguredEmbedding {
  readonly config: EmbeddingsConfig
  /** The variables that hold its secret. A writer's process gets these and no others. */
  readonly environment: Readonly<Record<string, string>>
}

/** The embedder of demonstrations: the configured service, or hashed n-grams. */
export async function openEmbedder(configured: ConfiguredEmbedding | undefined): Promise<TextEmbedder> {
  if (configured === undefined) return LETTERS
  // Writers without a service start faster.
  const { EmbeddingService, Secrets } = await import('@joinery/resources')
  const service = new EmbeddingService(configured.config, new Secrets(configured.environment))
  return { name: service.model, embed: (texts, options) => service.embed(texts, options) }
}
