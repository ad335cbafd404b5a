import { cp } from 'node:fs/promises'
import { natsServerPath } from '@joinery/cluster/testing'
import { expect, it } from 'vitest'
import { skipForWant } from '../support/skip-for-want.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { JoineryCluster, NODES } from './joinery-cluster.ts'
import { SERVERS } from './nats-cluster.ts'
import { type PurgedNodes, purgeCourse } from './purge-course.ts'

/** The fate of the engine while a node is away over a purge. */
type Misfortune = (cluster: JoineryCluster) => Pick<PurgedNodes, 'beforePurge' | 'afterPurge'>

/** Stops all NATS servers, changes their disks, and starts them again. */
async function whileStopped({ nats }: JoineryCluster, change: (server: (typeof SERVERS)[number]) => Promise<void>) {
  await Promise.all(SERVERS.map((server) => nats.end(server, 'SIGTERM')))
  await Promise.all(SERVERS.map(change))
  await Promise.all(SERVERS.map((server) => nats.startServer(server)))
  for (const server of SERVERS) await nats.untilHealthy(server)
}

const MISFORTUNES: Readonly<Record<string, Misfortune>> = {
  'that keeps all': () => ({}),
  'that loses all of its data afterwards': (cluster) => ({
    afterPurge: () => whileStopped(cluster, (server) => cluster.nats.deleteStore(server)),
  }),
  'that is set back to before the purge': (cluster) => ({
    beforePurge: () =>
      whileStopped(cluster, (server) =>
        cp(cluster.nats.storeOf(server), `${cluster.nats.storeOf(server)}-copy`, { recursive: true }),
      ),
    afterPurge: () =>
      whileStopped(cluster, async (server) => {
        await cluster.nats.deleteStore(server)
        await cp(`${cluster.nats.storeOf(server)}-copy`, cluster.nats.storeOf(server), { recursive: true })
      }),
  }),
}

it.for(Object.entries(MISFORTUNES))(
  '[A210, Q77] a workspace that is purged at one of three nodes on an engine %s is gone on all, one that was away included',
  async ([, misfortune], context) => {
    const path = await natsServerPath()
    if (path === undefined) return skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one')
    await using home = await tempDirectory()
    const cluster = await JoineryCluster.start(path, home.path)
    const urls = NODES.map((node) => `http://127.0.0.1:${cluster.linksOf(node).port}`)
    const livingAt = async (url = ''): Promise<unknown> => {
      const { cluster: place } = (await (await fetch(`${url}/readyz`)).json()) as { cluster?: { nodes: number } }
      return place?.nodes
    }
    try {
      await purgeCourse({
        ...misfortune(cluster),
        urls,
        directory: cluster.directoryOf(2),
        kill: async () => {
          await cluster.endNode(2)
          // An engine that loses its data waits for nodes that lived a moment before.
          for (const url of urls.slice(0, 2)) await expect.poll(() => livingAt(url)).toBe(2)
        },
        start: async () => {
          await cluster.startNode(2)
          return urls[2] ?? ''
        },
      })
    } catch (error) {
      console.log(cluster.lastWords())
      throw error
    } finally {
      await cluster.stop()
    }
  },
)
