import { openNatsEngine } from '@joinery/cluster'
import { NatsServer, natsServerPath } from '@joinery/cluster/testing'
import type { Child } from './child-process.ts'
import { freePort } from './free-port.ts'
import { WAIT_MS } from './patience.ts'
import { tempDirectory } from './temp-directory.ts'

/** True if every server of the tests is a node of a cluster that passes all clients on to another node. */
export const IS_THROUGH_GATEWAY = process.env.JOINERY_THROUGH === 'gateway'

/** NATS servers by the data directory of their cluster: they outlive the nodes, which tests start again. */
const engines = new Map<string, Promise<NatsServer>>()
if (IS_THROUGH_GATEWAY) {
  // No other process loads vitest. Of a file's hooks the first comes last: its nodes have ended by then.
  const { afterAll } = await import('vitest')
  afterAll(async () => {
    for (const engine of engines.values()) await (await engine).stop()
    engines.clear()
  })
}

interface Options {
  readonly directory: string
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
}

interface Running extends AsyncDisposable {
  readonly child: Child
}

/**
 * Starts two nodes of a cluster, of which the first owns everything in `directory`, and gives the second one, which owns nothing. The end
 * of the second is that of both.
 */
export async function startThroughGateway<O extends Options, P extends Running>(
  options: O,
  start: (options: O) => Promise<P>,
): Promise<P> {
  const { directory, env = {} } = options
  const path = await natsServerPath()
  if (path === undefined) throw new Error('set NATS_SERVER to the path of a NATS server')
  const engine = engines.get(directory) ?? NatsServer.start(path)
  engines.set(directory, engine)
  const cluster = (await engine).url
  const node = async (name: string, at: string, port: number): Promise<P> => {
    const place = { JOINERY_CLUSTER: cluster, JOINERY_NODE: name, JOINERY_ADVERTISE: `127.0.0.1:${port}` }
    return await start({ ...options, directory: at, port, env: { ...env, ...place } })
  }
  // It owns nothing: an empty directory does each time.
  const home = await tempDirectory()
  const [owner, gateway] = await Promise.all([
    node('owner', directory, await freePort()),
    node('gateway', home.path, options.port ?? (await freePort())),
  ])
  await drain('gateway', cluster)
  const child: Child = {
    ...gateway.child,
    end: async (signal) => {
      await owner.child.end(signal)
      const exit = await gateway.child.end(signal)
      await home[Symbol.asyncDispose]()
      return exit
    },
  }
  return { ...gateway, child, [Symbol.asyncDispose]: async () => void (await child.end('SIGKILL')) }
}

/** Has a node give everything away and own nothing, as `joinery cluster drain` does, which is a process more. */
async function drain(node: string, cluster: string): Promise<void> {
  const engine = await openNatsEngine({ servers: [cluster], name: 'drain', replicas: 1 })
  await engine.bus.request(`jy.node.${node}.drain`, new Uint8Array(), WAIT_MS)
  await engine.close()
}
