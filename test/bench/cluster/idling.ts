import { setTimeout as delay } from 'node:timers/promises'
import { deadline } from '../load/deadline.ts'
import { LoadClient } from '../load/load-client.ts'
import type { ClusterFigures, FleetTarget, IdleWork } from './cluster-job.ts'
import { residentMiB, sum, watchCpu } from './usage.ts'

/** Connections that are being opened at one time. */
const OPENING_MAX = 64
/** Garbage of the handshakes is collected within this time, ms. */
const SETTLE_MS = 6_000

/** Opens one connection in each workspace, all nodes in turn, and measures what they cost while nothing happens. */
export async function runIdle(target: FleetTarget, { workspaces, idleMs }: IdleWork): Promise<ClusterFigures> {
  const { urls, wire, nodePids, enginePids } = target
  const limit = deadline()
  const clients: LoadClient[] = []
  let next = 0
  const openInTurn = async (): Promise<void> => {
    while (next < workspaces) {
      const n = next++
      const url = urls[n % urls.length] ?? ''
      clients.push(await LoadClient.open({ url, wire, room: `idle-${n}`, onLost: limit.fail }))
    }
  }
  const [nodesBefore, engineBefore] = [residentMiB(nodePids), residentMiB(enginePids)]
  const openingSince = watchCpu(target)
  const startMs = performance.now()
  await limit.race(Promise.all(Array.from({ length: OPENING_MAX }, openInTurn)))
  const openSeconds = (performance.now() - startMs) / 1_000
  const opened = openingSince()
  await limit.race(delay(SETTLE_MS))
  const [nodesAfter, engineAfter] = [residentMiB(nodePids), residentMiB(enginePids)]
  const idleSince = watchCpu(target)
  await limit.race(delay(idleMs))
  const idle = idleSince()
  for (const client of clients) client.close()
  limit.clear()
  const seconds = idleMs / 1_000
  return {
    opensPerSecond: workspaces / openSeconds,
    nodeMicrosPerOpen: sum(opened.nodes) / workspaces,
    engineMicrosPerOpen: opened.engine / workspaces,
    nodesMiBBefore: nodesBefore,
    nodeKiBPerWorkspace: ((nodesAfter - nodesBefore) * 1024) / workspaces,
    engineMiBBefore: engineBefore,
    engineKiBPerWorkspace: ((engineAfter - engineBefore) * 1024) / workspaces,
    // 1 % of a core is 10 ms of CPU time in each second.
    nodeCoresPercent: sum(idle.nodes) / 1e4 / seconds,
    engineCoresPercent: idle.engine / 1e4 / seconds,
    nodeMicrosPerIdleWorkspaceMinute: (sum(idle.nodes) / workspaces / seconds) * 60,
  }
}
