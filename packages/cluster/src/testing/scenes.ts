import { systemSteadyClock } from '@joinery/log'
import type { EngineLog } from '../engine/engine.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { openNatsEngine } from '../engine/nats/nats-engine.ts'
import { takeOver } from '../history/takeover.ts'
import { type Deployment, openInterfaces } from '../interfaces/open-interfaces.ts'
import { engineNameOf } from '../nodes/names.ts'
import { SimulatedReplica } from '../simulation/simulated-replica.ts'
import type { EngineScene } from './engine-contract.ts'
import type { InterfacesScene } from './interfaces-contract.ts'
import { NatsServer } from './nats-servers.ts'

/** Two connections to a new engine in memory. */
export async function memoryScene(): Promise<EngineScene> {
  const engine = new MemoryEngine()
  const [one, two] = [engine.connect('one'), engine.connect('two')]
  return {
    one,
    two,
    close: async () => {
      await one.close()
      await two.close()
    },
  }
}

/** Two connections to a new NATS server, which ends with the scene. */
export async function natsScene(path: string): Promise<EngineScene> {
  const server = await NatsServer.start(path)
  const open = (name: string) => openNatsEngine({ servers: [server.url], name, replicas: 1 })
  const [one, two] = [await open('one'), await open('two')]
  return {
    one,
    two,
    close: async () => {
      await one.close()
      await two.close()
      await server.stop()
    },
  }
}

const interfacesOf = (deployment: Deployment, node: string) =>
  openInterfaces(deployment, { node, address: '127.0.0.1:1', rules: [{ pattern: 'local.>', to: 'local' }] })

/** The interfaces of one machine. */
export async function singleScene(): Promise<InterfacesScene> {
  const one = await interfacesOf({ mode: 'single' }, 'one')
  return { one, two: one, close: () => one.close() }
}

/** The interfaces of two nodes on the engine of `open`. */
export async function clusterScene(open: () => Promise<EngineScene>): Promise<InterfacesScene> {
  const engines = await open()
  const one = await interfacesOf({ mode: 'cluster', engine: engines.one }, 'one')
  const two = await interfacesOf({ mode: 'cluster', engine: engines.two }, 'two')
  const write = (workspace: string, texts: readonly string[]): Promise<void> =>
    writeHistory(engines.two.log, workspace, texts)
  return {
    one,
    two,
    write,
    close: async () => {
      await one.close()
      await two.close()
      await engines.close()
    },
  }
}

/** Writes records as an owner does that nobody else knows. */
export async function writeHistory(log: EngineLog, workspace: string, texts: readonly string[]): Promise<void> {
  const local = new SimulatedReplica('writer')
  const place = { log, workspace, subject: engineNameOf(workspace), local, clock: systemSteadyClock }
  const writer = { node: 'writer', session: 'writer-1', assertReadable: () => undefined }
  const { publisher } = await takeOver({ ...place, ...writer })
  for (const text of texts) {
    const record = local.append(text)
    local.sync()
    await publisher.publish(record, local.generation ?? '')
  }
  publisher.stop()
}
