import { startReadyChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import type { Contestant, End, Ground } from './contestant.ts'
import { requirePeer } from './packages.ts'
import { PeerWorker } from './peer-worker.ts'

interface Queue {
  add(name: string, data: object, options: object): Promise<unknown>
  getJobState(id: string): Promise<string>
  close(): Promise<void>
}
interface BullMq {
  readonly Queue: new (name: string, options: object) => Queue
}

/** BullMQ with Redis and its append-only file, by its defaults. */
export async function startBullMq(ground: Ground, packages: string): Promise<Contestant> {
  const port = await freePort()
  const redis = await startReadyChild(
    {
      command: 'redis-server',
      args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', ground.directory, '--appendonly', 'yes'],
    },
    /Ready to accept connections/,
  )
  const worker = await PeerWorker.make('bullmq', packages, ground, { REDIS_PORT: String(port) })
  const { Queue: Made } = requirePeer<BullMq>(packages, 'bullmq')
  const queue = new Made('saga', { connection: { host: '127.0.0.1', port, maxRetriesPerRequest: null } })
  return {
    title: 'BullMQ 6.7, Redis',
    startWorker: () => worker.start(),
    killWorker: () => worker.kill(),
    async enqueue(job) {
      await queue.add('saga', {}, { jobId: job, attempts: 8, backoff: { type: 'exponential', delay: 1_000 } })
    },
    async endOf(job) {
      const ends: Readonly<Record<string, End>> = { completed: 'done', failed: 'failed' }
      return ends[await queue.getJobState(job)]
    },
    async [Symbol.asyncDispose]() {
      await worker.kill()
      await queue.close()
      await redis.end('SIGTERM')
    },
  }
}
