import { cpus } from 'node:os'
import type { ClusterFigures, TypeWork } from './cluster-job.ts'
import { type ClusterRow, loadFleet, profileArgs, type RowColumn, type RowOptions } from './cluster-row.ts'
import { type Fleet, type FleetOptions, startHocuspocusFleet, startJoineryFleet } from './fleet.ts'

type Start = (home: string, options: FleetOptions) => Promise<Fleet>

const startSingle: Start = (home, options) => startJoineryFleet(home, options, 'single')
const startCluster: Start = (home, options) => startJoineryFleet(home, options)

function column(title: string, start: Start, nodes: number, work: (options: RowOptions) => TypeWork): RowColumn {
  return {
    title,
    isPeer: start === startHocuspocusFleet,
    measure: async (home, options): Promise<ClusterFigures> => {
      await using fleet = await start(home, { nodes, nodeArgs: profileArgs(options) })
      return await loadFleet(fleet, work(options))
    },
  }
}

/** A single server, one to three nodes of a cluster, and as many servers of Hocuspocus. */
function everybody(work: (options: RowOptions) => TypeWork): RowColumn[] {
  return [
    column('Joinery, single', startSingle, 1, work),
    column('1 node', startCluster, 1, work),
    column('2 nodes', startCluster, 2, work),
    column('3 nodes', startCluster, 3, work),
    column('Hocuspocus + Redis, 1', startHocuspocusFleet, 1, work),
    column('Hocuspocus + Redis, 2', startHocuspocusFleet, 2, work),
    column('Hocuspocus + Redis, 3', startHocuspocusFleet, 3, work),
  ]
}

/** As fast as edits are saved. */
export const FLAT_OUT: ClusterRow = {
  title: '30 workspaces, 1 types as fast as edits are saved (32 on the way), 1 looks on at the next node',
  lines: [
    { title: 'edits per second', figure: 'editsPerSecond' },
    { title: 'CPU of nodes per edit, µs', figure: 'nodeMicrosPerEdit' },
    { title: 'CPU of NATS or Redis per edit, µs', figure: 'engineMicrosPerEdit' },
    { title: 'cores in use: nodes', figure: 'coresOfNodes' },
    { title: 'cores in use: NATS or Redis', figure: 'coresOfEngine' },
    { title: 'cores in use: load', figure: 'coresOfLoad' },
  ],
  columns: everybody(({ scale }) => ({
    ...{ kind: 'type', pace: { window: 32 } },
    ...(scale === 'full'
      ? { workspaces: 30, editsPerWriter: 600, warmUpEdits: 100 }
      : { workspaces: 3, editsPerWriter: 40 }),
  })),
}

/** At the pace of people. */
export const AT_EASE: ClusterRow = {
  title: '30 workspaces, 1 makes 5 edits/s, 1 looks on at the next node',
  lines: [
    { title: 'time to saved: median, ms', figure: 'savedP50Ms' },
    { title: 'time to saved: 99 of 100, ms', figure: 'savedP99Ms' },
    { title: 'time to the other screen: median, ms', figure: 'seenP50Ms' },
    { title: 'time to the other screen: 99 of 100, ms', figure: 'seenP99Ms' },
    { title: 'CPU of nodes per edit, µs', figure: 'nodeMicrosPerEdit' },
    { title: 'CPU of NATS or Redis per edit, µs', figure: 'engineMicrosPerEdit' },
  ],
  columns: everybody(({ scale }) => ({
    ...{ kind: 'type', pace: { editsPerSecond: scale === 'full' ? 5 : 20 } },
    ...(scale === 'full'
      ? { workspaces: 30, editsPerWriter: 30, warmUpEdits: 10 }
      : { workspaces: 3, editsPerWriter: 10 }),
  })),
}

const CORES = Math.max(2, cpus().length)

/** Large rooms, whose cost is that of nodes alone: how much more do as many nodes as there are cores? */
export const ALL_CORES: ClusterRow = {
  title: `the same work at one node, and at ${CORES} nodes of one machine with ${cpus().length} cores`,
  lines: [
    { title: 'edits per second', figure: 'editsPerSecond' },
    { title: 'cores in use: nodes', figure: 'coresOfNodes' },
    { title: 'cores in use: NATS', figure: 'coresOfEngine' },
    { title: 'cores in use: load', figure: 'coresOfLoad' },
  ],
  columns: [1, CORES].map((nodes) =>
    column(`${nodes} node${nodes === 1 ? '' : 's'}`, startCluster, nodes, ({ scale }) => ({
      ...{ kind: 'type', pace: { window: 64 } },
      ...(scale === 'full'
        ? { workspaces: 60, editsPerWriter: 600, warmUpEdits: 100 }
        : { workspaces: 3, editsPerWriter: 40 }),
    })),
  ),
}
