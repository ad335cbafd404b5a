import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startHocuspocusNode, startRedis } from '../../bench/cluster/fleet.ts'
import { openHocuspocusClient } from '../../crash/peer-client.ts'
import type { Child } from '../../support/child-process.ts'
import { freePort } from '../../support/free-port.ts'
import type { Contestant, Ground } from './ground.ts'

const NODES = [0, 1, 2]
/** Last words of a process that are shown, characters. */
const SAID_MAX = 300

/** A server process that is meant to run. */
interface Running {
  readonly child: Child
  isOver: boolean
}

export const HOCUSPOCUS: Contestant = {
  title: 'Hocuspocus 4.7, 3 servers, Redis, 1 SQLite file',
  async start(home): Promise<Ground> {
    const redisPort = await freePort()
    const redisDirectory = join(home, 'redis')
    let redis: Child | undefined = await startRedis(redisPort, redisDirectory)
    const ports = await Promise.all(NODES.map(() => freePort()))
    const nodes: (Running | undefined)[] = []
    let lastWords: string | undefined
    const startNode = async (node: number): Promise<void> => {
      const child = await startHocuspocusNode(join(home, 'documents'), { port: ports[node] ?? 0, redisPort })
      const running = { child, isOver: false }
      nodes[node] = running
      void child.exited.then(() => {
        running.isOver = true
        if (nodes[node] === running) lastWords = child.output().trim().slice(0, SAID_MAX)
      })
    }
    const killNode = async (node: number): Promise<void> => {
      const running = nodes[node]
      nodes[node] = undefined
      await running?.child.end('SIGKILL')
    }
    const signal = (node: number, name: NodeJS.Signals): void => {
      const running = nodes[node]
      if (running !== undefined && !running.isOver) process.kill(running.child.pid, name)
    }
    for (const node of NODES) await startNode(node)
    return {
      open: (node, workspace) => openHocuspocusClient(`ws://127.0.0.1:${ports[node]}`, workspace),
      killNode,
      stallNode: (node) => signal(node, 'SIGSTOP'),
      wakeNode: (node) => signal(node, 'SIGCONT'),
      emptyEngine: async () => {
        await redis?.end('SIGKILL')
        redis = undefined
        await rm(redisDirectory, { recursive: true, force: true })
      },
      heal: async () => {
        redis ??= await startRedis(redisPort, redisDirectory)
        for (const node of NODES) {
          if (nodes[node] !== undefined && !nodes[node].isOver) continue
          await startNode(node)
        }
      },
      crashed: () => {
        const words = lastWords
        lastWords = undefined
        return words
      },
      [Symbol.asyncDispose]: async () => {
        await Promise.all(NODES.map(killNode))
        await redis?.end('SIGKILL')
      },
    }
  },
}
