import { startWorker } from '@joinery/worker'
import { orderSaga } from './order-saga.ts'

/** `order-worker.ts LEASE_MS URL…` takes the attempts of orders from each of these nodes. */
const [leaseMs = '', ...urls] = process.argv.slice(2)
const workers = urls.map((url) =>
  startWorker({ url, sagas: [orderSaga], name: `${process.pid} of ${url}`, concurrency: 4, leaseMs: Number(leaseMs) }),
)
console.log('works')
await Promise.all(workers.map(({ ended }) => ended))
