import { createHash, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { getBlock } from '@joinery/blocks'
import { type ConfiguredEmbedding, createDemonstrationDoor, type DemonstrationDoor } from '@joinery/demonstration'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import { isLoopbackHost, programPayer, type Server } from '@joinery/server'
import type { Logger } from 'pino'
import type { ServeConfig } from './serve-config.mts'

/** Opens the demonstration; undefined if others than the people at this machine can reach the server. */
export async function openDemonstration(
  config: ServeConfig,
  server: Server,
  embedding: ConfiguredEmbedding | undefined,
  logger: Logger,
): Promise<DemonstrationDoor | undefined> {
  if (config.keys !== undefined || !isLoopbackHost(config.host)) return undefined
  const vectorsDirectory = vectorsDirectoryFor(config)
  const door = createDemonstrationDoor({
    syncUrl: () => server.url.replace(/^http/, 'ws'),
    vectorsDirectory,
    embedding,
    isWorkspaceName: (name) => parseWorkspaceName(name) !== undefined,
    readEntry: (workspace, block, index) =>
      server.workspaces.read(
        workspace as WorkspaceId,
        ({ doc }) => getBlock(doc, block)?.indexingList.get(index),
        programPayer('demonstration', workspace),
      ),
  })
  await door.forgetOthers(server.workspaces.names()).catch((error: unknown) => {
    // The server starts all the same: leftovers of a demonstration harm nothing else.
    logger.warn({ error }, 'indexes of deleted workspaces could not be removed')
  })
  return {
    ...door,
    close: async () => {
      await door.close()
      // The entries of the indexes were in memory only, so nothing refers to the vectors any more.
      if (config.durability === 'memory') await rm(vectorsDirectory, { recursive: true, force: true })
    },
  }
}

/**
 * Directory of the vectors: outside the data directory, which belongs to the log alone, and the same one at the next
 * start on the same data.
 */
function vectorsDirectoryFor({ dataDirectory, durability }: ServeConfig): string {
  const data = durability === 'memory' ? randomUUID() : resolve(dataDirectory)
  const key = createHash('sha256').update(data).digest('hex').slice(0, 16)
  return join(tmpdir(), `joinery-demonstration-${process.getuid?.() ?? 'user'}-${key}`)
}
