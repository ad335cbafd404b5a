import { createHash, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { getBlock } from '@joinery/blocks'
import { createDemonstrationDoor, type DemonstrationDoor } from '@joinery/demonstration'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import { isLoopbackHost, type Server } from '@joinery/server'
import type { Logger } from 'pino'
import type { ServeConfig } from './serve-config.mts'

/** The demonstration, where everyone who can reach the server sits at this machine; undefined elsewhere. */
export async function openDemonstration(
  config: ServeConfig,
  server: Server,
  logger: Logger,
): Promise<DemonstrationDoor | undefined> {
  if (config.keys !== undefined || !isLoopbackHost(config.host)) return undefined
  const vectorsDirectory = vectorsDirectoryFor(config)
  const door = createDemonstrationDoor({
    syncUrl: () => server.url.replace(/^http/, 'ws'),
    vectorsDirectory,
    isWorkspaceName: (name) => parseWorkspaceName(name) !== undefined,
    readEntry: (workspace, block, index) =>
      server.workspaces.read(workspace as WorkspaceId, ({ doc }) => getBlock(doc, block)?.indexingList.get(index)),
  })
  await door.forgetOthers(server.workspaces.names()).catch((error: unknown) => {
    // A demonstration's leftovers are no reason not to serve.
    logger.warn({ error }, 'what was indexed of deleted workspaces could not be removed')
  })
  return {
    ...door,
    close: async () => {
      await door.close()
      // What an index says of itself is gone with the memory, so nothing speaks of its vectors any more.
      if (config.durability === 'memory') await rm(vectorsDirectory, { recursive: true, force: true })
    },
  }
}

/** Beside the data rather than in it, which is the log's alone; the same one at the next start on the same data. */
function vectorsDirectoryFor({ dataDirectory, durability }: ServeConfig): string {
  const data = durability === 'memory' ? randomUUID() : resolve(dataDirectory)
  const key = createHash('sha256').update(data).digest('hex').slice(0, 16)
  return join(tmpdir(), `joinery-demonstration-${process.getuid?.() ?? 'user'}-${key}`)
}
