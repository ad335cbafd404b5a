import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BoardSearch, EmbeddingService, type EmbeddingsConfig, VectorStore } from '@joinery/resources'
import type { Logger } from 'pino'
import type { ServeConfig } from '../serve-config.mts'
import { type ResourcesFile, secretsOfEmbeddings } from './resources-file.mts'

/** The search of a server, by meaning where an embedding service is configured. */
export interface ServedSearch {
  readonly search: BoardSearch
  /** Undefined without an embedding service. */
  readonly service: EmbeddingService | undefined
  /** Directory of the vectors, for the worker; undefined without an embedding service. */
  readonly vectors: string | undefined
  /** The service for processes that this one starts: its configuration, and the variables that hold its secret. */
  readonly embedding: { readonly config: EmbeddingsConfig; readonly environment: Record<string, string> } | undefined
  /** Removes the vectors of workspaces that are no more, which a purge by a command may have left. */
  forgetOthers(workspaces: AsyncIterable<string>): Promise<void>
  /** Removes the vectors of a workspace that is purged. */
  forget(workspace: string): Promise<void>
  close(): Promise<void>
}

export interface ServedSearchOptions {
  readonly config: Pick<ServeConfig, 'dataDirectory' | 'durability'>
  readonly file: ResourcesFile | undefined
  readonly environment: NodeJS.ProcessEnv
}

/** The folder of the vectors in a data directory. */
export function vectorsFolderOf(directory: string): string {
  return join(directory, 'vectors')
}

/** The first adapter for embeddings in a file of resources. */
function embeddingsOf(file: ResourcesFile | undefined): EmbeddingsConfig | undefined {
  return file?.config.adapters.find(({ kind }) => kind.kind === 'embeddings')?.config
}

export function openServedSearch({ config, file, environment }: ServedSearchOptions): ServedSearch {
  const given = embeddingsOf(file)
  if (given === undefined || file === undefined) {
    return {
      search: new BoardSearch(),
      ...{ service: undefined, vectors: undefined, embedding: undefined },
      forgetOthers: async () => undefined,
      forget: async () => undefined,
      close: async () => undefined,
    }
  }
  const isInMemory = config.durability === 'memory'
  const vectors = isInMemory ? join(tmpdir(), `joinery-vectors-${randomUUID()}`) : vectorsFolderOf(config.dataDirectory)
  const service = new EmbeddingService(given, file.secrets)
  const store = new VectorStore(vectors)
  const search = new BoardSearch({ meaning: { service, store } })
  return {
    ...{ search, service, vectors },
    embedding: { config: given, environment: secretsOfEmbeddings(given, environment) },
    forgetOthers: (workspaces) => store.keepOnly(workspaces, service.key),
    forget: (workspace) => store.forget(workspace),
    async close() {
      await search.close()
      if (isInMemory) await rm(vectors, { recursive: true, force: true })
    },
  }
}

/** Removes what is left of workspaces that are no more. A fault is logged: it harms nothing else. */
export async function forgetOthers(search: ServedSearch, names: AsyncIterable<string>, logger: Logger): Promise<void> {
  await search.forgetOthers(names).catch((err: unknown) => {
    logger.warn({ err }, 'vectors of deleted workspaces could not be removed')
  })
}
