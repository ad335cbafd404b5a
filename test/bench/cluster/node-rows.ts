import { setTimeout as delay } from 'node:timers/promises'
import { checkLogs, type Engine, openNatsEngine } from '@joinery/cluster'
import { deadline } from '../load/deadline.ts'
import type { ClusterFigures } from './cluster-job.ts'
import { type ClusterRow, loadFleet, profileArgs, type RowColumn, type RowOptions } from './cluster-row.ts'
import { type Fleet, type FleetNode, type FleetOptions, startHocuspocusFleet, startJoineryFleet } from './fleet.ts'
import { watchCpu } from './usage.ts'

const LOOK_MS = 10

interface Filled {
  readonly workspaces: number
  readonly editsPerWriter: number
  /** Edits of one writer that are on their way: the fewer, the smaller are the messages. */
  readonly window: number
}

/** A node with an empty directory joins a cluster that has histories. */
async function catchUp(filled: Filled, home: string, options: RowOptions): Promise<ClusterFigures> {
  await using fleet = await startJoineryFleet(home, { nodes: 2, nodeArgs: profileArgs(options) })
  const { window, ...work } = filled
  await loadFleet(fleet, { kind: 'type', ...work, pace: { window } })
  const engine = await openNatsEngine({ servers: fleet.natsUrls, name: 'bench' })
  const limit = deadline()
  try {
    const startMs = performance.now()
    const node = await fleet.add()
    const servesMs = performance.now()
    const cpuSince = watchCpu({ nodePids: [node.pid], enginePids: fleet.enginePids, urls: [], wire: fleet.wire })
    const messages = await limit.race(untilFollowed(engine, node))
    const seconds = (performance.now() - startMs) / 1_000
    const { nodes } = cpuSince()
    const records = await limit.race(countRecords(engine, 'n3'))
    return {
      messages,
      records,
      startsMs: servesMs - startMs,
      seconds,
      messagesPerSecond: messages / seconds,
      recordsPerSecond: records / seconds,
      microsPerMessage: (nodes[0] ?? Number.NaN) / messages,
    }
  } finally {
    limit.clear()
    await engine.close()
  }
}

/** Resolves with the number of messages of all histories once a node has read as many. */
async function untilFollowed({ log }: Engine, { port }: FleetNode): Promise<number> {
  const parts = Array.from({ length: log.parts }, (_, part) => log.endOf(part))
  const messages = (await Promise.all(parts)).reduce((all, end) => all + end, 0)
  for (;;) {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const [, followed] = /^joinery_cluster_followed_total (\d+)/m.exec(metrics) ?? []
    if (Number(followed) >= messages) return messages
    await delay(LOOK_MS)
  }
}

/** Number of records of all histories. Rejects unless the node has the same ones. */
async function countRecords(engine: Engine, node: string): Promise<number> {
  let records = 0
  for await (const { workspace, lsn, copies } of checkLogs(engine, [node])) {
    const copy = copies[0]
    if (copy?.state !== 'equal') throw new Error(`${workspace} is ${copy?.state} on the new node`)
    records += lsn
  }
  return records
}

export const CATCH_UP: ClusterRow = {
  title: 'a node with an empty directory joins',
  isCompared: false,
  lines: [
    { title: 'records of the cluster', figure: 'records' },
    { title: 'messages of the engine', figure: 'messages' },
    { title: 'until it serves, ms', figure: 'startsMs' },
    { title: 'until it has all, s', figure: 'seconds' },
    { title: 'records per second', figure: 'recordsPerSecond' },
    { title: 'messages per second', figure: 'messagesPerSecond' },
    { title: 'CPU of the new node per message, µs', figure: 'microsPerMessage' },
  ],
  columns: [
    catchUpColumn('20 workspaces of 2,000 edits', { workspaces: 20, editsPerWriter: 2_000, window: 8 }),
    catchUpColumn('2,000 workspaces of 10 edits', { workspaces: 2_000, editsPerWriter: 10, window: 4 }),
  ],
}

function catchUpColumn(title: string, full: Filled): RowColumn {
  const filled = (scale: RowOptions['scale']): Filled =>
    scale === 'full' ? full : { workspaces: 3, editsPerWriter: 20, window: 2 }
  return { title, measure: (home, options) => catchUp(filled(options.scale), home, options) }
}

export const IDLE: ClusterRow = {
  title: '10,000 workspaces, one idle connection each, all nodes in turn',
  lines: [
    { title: 'opened per second', figure: 'opensPerSecond' },
    { title: 'CPU of nodes per opening, µs', figure: 'nodeMicrosPerOpen' },
    { title: 'CPU of NATS or Redis per opening, µs', figure: 'engineMicrosPerOpen' },
    { title: 'memory of nodes before, MiB', figure: 'nodesMiBBefore' },
    { title: 'memory of nodes per workspace, KiB', figure: 'nodeKiBPerWorkspace' },
    { title: 'memory of NATS or Redis before, MiB', figure: 'engineMiBBefore' },
    { title: 'memory of NATS or Redis per workspace, KiB', figure: 'engineKiBPerWorkspace' },
    { title: 'idle: CPU of nodes, % of a core', figure: 'nodeCoresPercent' },
    { title: 'idle: CPU of NATS or Redis, % of a core', figure: 'engineCoresPercent' },
    { title: 'idle: CPU of nodes per workspace and minute, µs', figure: 'nodeMicrosPerIdleWorkspaceMinute' },
  ],
  columns: [
    idleColumn('Joinery, single', 1, (home, options) => startJoineryFleet(home, options, 'single')),
    idleColumn('3 nodes', 3, startJoineryFleet),
    idleColumn('Hocuspocus + Redis, 3', 3, startHocuspocusFleet),
  ],
}

function idleColumn(
  title: string,
  nodes: number,
  start: (home: string, options: FleetOptions) => Promise<Fleet>,
): RowColumn {
  return {
    title,
    isPeer: start === startHocuspocusFleet,
    measure: async (home, options) => {
      await using fleet = await start(home, { nodes, nodeArgs: profileArgs(options) })
      const work = options.scale === 'full' ? { workspaces: 10_000, idleMs: 15_000 } : { workspaces: 30, idleMs: 500 }
      return await loadFleet(fleet, { kind: 'idle', ...work })
    },
  }
}
