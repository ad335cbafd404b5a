import { startWorker } from '@joinery/worker'
import sagas from './template-sagas.ts'

/** A program for tests that kill workers: `worker-program.ts URL LEASE_MS` runs the template sagas, and starts fast. */
const [url = '', leaseMs = ''] = process.argv.slice(2)
const worker = startWorker({ url, sagas, concurrency: 8, leaseMs: Number(leaseMs) })
process.once('SIGTERM', () => void worker.stop())
await worker.ended
