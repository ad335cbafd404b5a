import { createHmac } from 'node:crypto'
import type { ClusterNode, Engine } from '@joinery/cluster'
import type { DiskStore } from '@joinery/resources'
import type { Logger } from 'pino'
import { FileKeepers } from './file-keepers.mts'

/** Time that another node has to say whether it has a file, ms. */
const ANSWER_MS = 3_000

/** All nodes have one key for the URLs of files, and a way to the files on each other's disks. */
export interface SharedFiles {
  readonly signingKey: Buffer
  /** The bytes of a file at this path of another node; undefined if none has it. */
  readonly elsewhere: (path: string) => Promise<AsyncIterable<Uint8Array> | undefined>
  /** Has nodes keep copies of each other's files. Close what it gives before the cluster. */
  keepCopies(disk: DiskStore, directory: string): FileKeepers
}

export function shareFiles(
  engine: Pick<Engine, 'bus'>,
  { nodes, store }: Pick<ClusterNode, 'nodes' | 'store'>,
  secret: string,
  logger: Logger,
): SharedFiles {
  return {
    signingKey: createHmac('sha256', secret).update('URLs of files').digest(),
    keepCopies: (disk, directory) => {
      const advice =
        'uploaded files are on the disks of two nodes each: with a bucket ("files" in --resources) no node has them alone'
      logger.info({ directory }, advice)
      return new FileKeepers({ engine, nodes, store, disk, directory, logger })
    },
    elsewhere: async (path) => {
      for (const { node, address } of nodes.list()) {
        if (node === nodes.self.node) continue
        const late = new AbortController()
        const timer = setTimeout(() => late.abort(), ANSWER_MS)
        try {
          const answer = await fetch(`http://${address}${path}`, { signal: late.signal, redirect: 'error' })
          if (answer.status === 200 && answer.body !== null) return answer.body
          await answer.body?.cancel()
        } catch (err) {
          // It may be the one that has just died: the others are asked.
          logger.info({ err, node }, 'a node could not be asked for a file')
        } finally {
          clearTimeout(timer)
        }
      }
      return undefined
    },
  }
}
