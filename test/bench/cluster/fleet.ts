import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { natsServerPath } from '@joinery/cluster/testing'
import { NatsCluster, SERVERS } from '../../cluster/nats-cluster.ts'
import { type Child, startReadyChild } from '../../support/child-process.ts'
import { freePort } from '../../support/free-port.ts'
import { startJoinery } from '../../support/joinery-process.ts'
import type { WireName } from '../load/wire.ts'

const HOCUSPOCUS = fileURLToPath(new URL('../peers/hocuspocus-redis.ts', import.meta.url))
/** Time for an orderly stop of a server, ms: then it is killed. Its figures stand. */
const STOP_MS = 10_000

/** A server of a fleet: one that clients connect to. */
export interface FleetNode {
  readonly pid: number
  readonly port: number
  readonly directory: string
}

/** Servers that serve the same workspaces together, each a process on this machine. */
export interface Fleet extends AsyncDisposable {
  readonly wire: WireName
  readonly nodes: readonly FleetNode[]
  /** Processes that the nodes need: NATS servers, or Redis. */
  readonly enginePids: readonly number[]
  /** Addresses of the NATS servers, `nats://host:port`. */
  readonly natsUrls: readonly string[]
  /** Monitoring addresses of the NATS servers. */
  readonly monitors: readonly string[]
  /** Starts one more node on an empty directory. Resolves when it serves. */
  add(): Promise<FleetNode>
}

export interface FleetOptions {
  readonly nodes: number
  /** Arguments of Node before all others, for the nodes. */
  readonly nodeArgs?: readonly string[]
}

/** `ws://host:port` of a node. */
export function urlOf({ port }: FleetNode): string {
  return `ws://127.0.0.1:${port}`
}

/** Nodes of Joinery with three NATS servers, which sync their disks at every message; without them if it is a single server. */
export async function startJoineryFleet(
  home: string,
  { nodes: count, nodeArgs = [] }: FleetOptions,
  kind: 'single' | 'cluster' = 'cluster',
): Promise<Fleet> {
  const nats = kind === 'cluster' ? await startNats(home) : undefined
  const natsUrls = nats === undefined ? [] : SERVERS.map((server) => `nats://127.0.0.1:${nats.portOf(server)}`)
  const children: Child[] = []
  const nodes: FleetNode[] = []
  const add = async (): Promise<FleetNode> => {
    const [port, name] = [await freePort(), `n${nodes.length + 1}`]
    const directory = join(home, name)
    const place = { JOINERY_CLUSTER: natsUrls.join(), JOINERY_NODE: name, JOINERY_ADVERTISE: `127.0.0.1:${port}` }
    const { child } = await startJoinery({
      ...{ directory, port, nodeArgs },
      durability: nats === undefined ? 'sync' : 'replicated',
      env: nats === undefined ? {} : place,
    })
    const node = { pid: child.pid, port, directory }
    children.push(child)
    nodes.push(node)
    return node
  }
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(endInTime))
    await nats?.stop()
  }
  try {
    for (let n = 0; n < count; n++) await add()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...{ wire: 'yjs', nodes, natsUrls, add },
    enginePids: nats === undefined ? [] : SERVERS.map((server) => nats.pidOf(server) ?? 0),
    monitors: nats === undefined ? [] : SERVERS.map((server) => nats.monitorOf(server)),
    [Symbol.asyncDispose]: stop,
  }
}

async function startNats(home: string): Promise<NatsCluster> {
  const path = await natsServerPath()
  if (path === undefined)
    throw new Error('name a NATS server of version 2.12 or newer: NATS_SERVER="$(.ci/nats-server.sh)"')
  return await NatsCluster.start(path, home, { isProxied: false })
}

/** Redis on an empty directory, by its defaults but for what it would write at times. */
export async function startRedis(port: number, directory: string): Promise<Child> {
  await mkdir(directory, { recursive: true })
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '']
  try {
    return await startReadyChild({ command: 'redis-server', args }, /Ready to accept connections/)
  } catch (cause) {
    throw new Error('Redis does not start: apt-get install redis-server, or leave Hocuspocus out', { cause })
  }
}

export async function startHocuspocusNode(
  directory: string,
  { port, redisPort, nodeArgs = [] }: { port: number; redisPort: number; nodeArgs?: readonly string[] },
): Promise<Child> {
  await mkdir(directory, { recursive: true })
  const args = [...nodeArgs, HOCUSPOCUS, String(port), directory, String(redisPort)]
  return await startReadyChild({ args }, /listening/)
}

/** Hocuspocus servers with one Redis and one SQLite file. */
export async function startHocuspocusFleet(home: string, { nodes: count, nodeArgs }: FleetOptions): Promise<Fleet> {
  const redisPort = await freePort()
  const redis = await startRedis(redisPort, join(home, 'redis'))
  const directory = join(home, 'documents')
  const children: Child[] = []
  const nodes: FleetNode[] = []
  const add = async (): Promise<FleetNode> => {
    const port = await freePort()
    const child = await startHocuspocusNode(directory, { port, redisPort, ...(nodeArgs && { nodeArgs }) })
    const node = { pid: child.pid, port, directory }
    children.push(child)
    nodes.push(node)
    return node
  }
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(endInTime))
    await redis.end('SIGTERM')
  }
  try {
    for (let n = 0; n < count; n++) await add()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...{ wire: 'hocuspocus', nodes, natsUrls: [], monitors: [], add },
    enginePids: [redis.pid],
    [Symbol.asyncDispose]: stop,
  }
}

async function endInTime(child: Child): Promise<void> {
  const timer = setTimeout(() => void child.end('SIGKILL'), STOP_MS)
  await child.end('SIGTERM')
  clearTimeout(timer)
}
