import { createHash, randomUUID } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { getBlock } from '@joinery/blocks'
import { createDemonstrationDoor, type DemonstrationDoor } from '@joinery/demonstration'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import { isLoopbackHost, type Server } from '@joinery/server'
import type { ServeConfig } from './serve-config.mts'

/** The demonstration, where everyone who can reach the server sits at this machine; undefined elsewhere. */
export function openDemonstration(config: ServeConfig, server: Server): DemonstrationDoor | undefined {
  if (config.keys !== undefined || !isLoopbackHost(config.host)) return undefined
  return createDemonstrationDoor({
    syncUrl: () => server.url.replace(/^http/, 'ws'),
    vectorsDirectory: vectorsDirectoryFor(config),
    isWorkspaceName: (name) => parseWorkspaceName(name) !== undefined,
    readEntry: (workspace, block, index) =>
      server.workspaces.read(workspace as WorkspaceId, ({ doc }) => getBlock(doc, block)?.indexingList.get(index)),
  })
}

/** Beside the data rather than in it, which is the log's alone; the same one at the next start on the same data. */
function vectorsDirectoryFor({ dataDirectory, durability }: ServeConfig): string {
  const data = durability === 'memory' ? randomUUID() : resolve(dataDirectory)
  const key = createHash('sha256').update(data).digest('hex').slice(0, 16)
  return join(tmpdir(), `joinery-demonstration-${userInfo().username}-${key}`)
}
