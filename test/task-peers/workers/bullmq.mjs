import { UnrecoverableError, Worker } from 'bullmq'
import { runSaga } from './saga.mjs'

// Its own documentation's form for jobs of several steps: the step that was reached is kept in the job's data.
const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null }
const worker = new Worker(
  'saga',
  async (job) => {
    const state = { done: [], isRefused: false, ...job.data.state }
    const isDone = await runSaga(job.id, state, (kept) => job.updateData({ ...job.data, state: kept }))
    if (!isDone) throw new UnrecoverableError('taken back')
  },
  { connection },
)
worker.on('error', (error) => console.error(error))
await worker.waitUntilReady()
console.log('ready')
