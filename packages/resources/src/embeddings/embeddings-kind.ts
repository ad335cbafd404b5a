import type { AdapterKind, AdapterWorld, Observed, ResourceAdapter, SyncContext } from '../adapters/adapter.ts'
import { ResourceError } from '../resource-error.ts'
import { embedInto } from '../search/embed-into.ts'
import { splitPassages } from '../search/passages.ts'
import { hashOfText } from '../search/vector-file.ts'
import { EmbeddingService } from './embedding-service.ts'
import { type EmbeddingsConfig, embeddingsSchema } from './embeddings-config.ts'

/** Passages of one run: some 500 KB of text, which a service embeds within the time of an attempt or two. */
export const RUN_PASSAGES_MAX = 2_000

/** An embedding service: a run makes the vectors of a block's texts, so that a search of the board has them. */
export const EMBEDDINGS: AdapterKind<EmbeddingsConfig> = {
  kind: 'embeddings',
  config: embeddingsSchema,
  secretsOf: ({ secret }) => (secret === undefined ? [] : [secret]),
  open: (config, world) => new EmbeddingsAdapter(config, world),
}

class EmbeddingsAdapter implements ResourceAdapter {
  readonly machine: string
  readonly host: string
  readonly #service: EmbeddingService
  readonly #world: AdapterWorld

  constructor(config: EmbeddingsConfig, world: AdapterWorld) {
    this.#service = new EmbeddingService(config, world.secrets)
    this.#world = world
    this.machine = world.machine
    this.host = this.#service.host
  }

  /** Embeds what no earlier attempt, run or search has embedded. So a repeat costs one batch at most, and an edit its own passages. */
  async sync({ resource: { workspace, block }, signal, beat }: SyncContext): Promise<Observed> {
    const { texts, vectors } = this.#world
    if (texts === undefined || vectors === undefined)
      throw new ResourceError(
        'misconfigured',
        'vectors stand beside the data of the server: its own worker has to run this',
      )
    const passages = (await texts(workspace, block, signal)).flatMap((it) => splitPassages(it.block, it.text))
    if (passages.length === 0)
      throw new ResourceError('rejected', 'there is nothing to embed, because the block has no text yet: write some')
    if (passages.length > RUN_PASSAGES_MAX) {
      const message = `the text has ${passages.length} passages, and a run takes ${RUN_PASSAGES_MAX}: split the collection`
      throw new ResourceError('rejected', message)
    }
    const service = this.#service
    const known = await vectors.read(workspace, service.key)
    const missing = new Set(passages.map(({ text }) => text).filter((text) => !known.has(hashOfText(text))))
    let progress = 0
    const onStored = (count: number): void => {
      progress += count
      beat({ progress, total: missing.size })
    }
    await embedInto({ service, store: vectors, workspace, texts: [...missing], signal, onStored })
    const detail = { model: service.model, passages: passages.length, embedded: missing.size }
    return { status: 'synced', progress: passages.length, total: passages.length, detail }
  }
}
