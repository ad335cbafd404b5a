import { deadline } from './deadline.ts'
import type { ConnectWork, Figures, Target } from './job.ts'
import { LoadClient } from './load-client.ts'
import { readProcessUsage } from './process-usage.ts'
import { startStopwatch } from './stopwatch.ts'

/** Connections that are being opened at one time. */
const OPENING_MAX = 64
/** Garbage of the handshakes is collected within this time. Then memory is that of connections at rest. */
const SETTLE_MS = 6_000

/** Opens connections, each to the end of its first sync, and holds them all. */
export async function runConnect(target: Target, work: ConnectWork): Promise<Figures> {
  const limit = deadline()
  const clients: LoadClient[] = []
  let next = 0
  const openInTurn = async () => {
    while (next < work.connections) {
      const room = `connect-${next++ % work.rooms}`
      clients.push(await LoadClient.open({ url: target.url, wire: target.wire, room, onLost: limit.fail }))
    }
  }
  const before = readProcessUsage(target.pid)
  const stopwatch = startStopwatch(target.pid)
  await limit.race(Promise.all(Array.from({ length: OPENING_MAX }, openInTurn)))
  const { cpuMicros, ...times } = stopwatch.stop()
  await limit.race(new Promise((resolve) => setTimeout(resolve, SETTLE_MS)))
  const after = readProcessUsage(target.pid)
  for (const client of clients) client.close()
  const memoryMiBAfterLeaving = await limit.race(memoryAfterLeaving(target.pid, before.residentKiB, work.leaveMs))
  limit.clear()
  return {
    cpuMicrosPerConnection: cpuMicros / work.connections,
    memoryMiBBefore: before.residentKiB / 1024,
    memoryKiBPerConnection: (after.residentKiB - before.residentKiB) / work.connections,
    ...(memoryMiBAfterLeaving !== undefined && { memoryMiBAfterLeaving }),
    ...times,
  }
}

async function memoryAfterLeaving(pid: number, beforeKiB: number, leaveMs: number | undefined) {
  if (leaveMs === undefined) return undefined
  await new Promise((resolve) => setTimeout(resolve, leaveMs))
  return (readProcessUsage(pid).residentKiB - beforeKiB) / 1024
}
