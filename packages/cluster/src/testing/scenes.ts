import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { openNatsEngine } from '../engine/nats/nats-engine.ts'
import type { EngineScene } from './engine-contract.ts'
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
