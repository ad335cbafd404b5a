import { natsServerPath } from '@joinery/cluster/testing'
import { openYjsClient } from '../../crash/peer-client.ts'
import { JoineryCluster, NODES, type NodeIndex } from '../joinery-cluster.ts'
import { SERVERS, type ServerIndex } from '../nats-cluster.ts'
import type { Contestant, Ground } from './ground.ts'

/** One machine has failed. The copies of the two others are a quorum. */
const FAILING_SERVER: ServerIndex = 0

export const JOINERY: Contestant = {
  title: 'Joinery, 3 nodes, 3 NATS servers',
  async start(home): Promise<Ground> {
    const path = await natsServerPath()
    if (path === undefined)
      throw new Error('name a NATS server of version 2.12 or newer: NATS_SERVER="$(.ci/nats-server.sh)"')
    const cluster = await JoineryCluster.start(path, home)
    const indexOf = (node: number): NodeIndex => NODES[node] ?? 0
    return {
      open: (node, workspace) =>
        openYjsClient(`ws://127.0.0.1:${cluster.linksOf(indexOf(node)).port}`, workspace, true),
      killNode: (node) => cluster.endNode(indexOf(node)),
      stallNode: (node) => cluster.signalNode(indexOf(node), 'SIGSTOP'),
      wakeNode: (node) => cluster.signalNode(indexOf(node), 'SIGCONT'),
      emptyEngine: async (which) => {
        const servers = which === 'all' ? SERVERS : [FAILING_SERVER]
        await Promise.all(servers.map((server) => cluster.nats.end(server)))
        await Promise.all(servers.map((server) => cluster.nats.deleteStore(server)))
      },
      heal: () => cluster.heal(),
      crashed: () => undefined,
      [Symbol.asyncDispose]: () => cluster.stop(),
    }
  },
}
