import type { EmbeddingService } from '../embeddings/embedding-service.ts'
import { hashOfText } from './vector-file.ts'
import type { VectorStore } from './vector-store.ts'

/** Makes the vectors of texts. Each batch is on the disk before the next one is asked for: a crash costs one. */
export async function embedInto({
  service,
  store,
  workspace,
  texts,
  signal,
  onStored,
}: {
  readonly service: EmbeddingService
  readonly store: VectorStore
  readonly workspace: string
  readonly texts: readonly string[]
  readonly signal?: AbortSignal
  /** Called with the number of vectors that were stored with a batch. */
  readonly onStored?: (count: number) => void
}): Promise<void> {
  await service.embed(texts, {
    ...(signal && { signal }),
    onBatch: async (batch, vectors) => {
      const entries = batch.map((text, index) => [hashOfText(text), vectors[index] as Float32Array] as const)
      await store.add(workspace, service.key, new Map(entries))
      onStored?.(batch.length)
    },
  })
}
