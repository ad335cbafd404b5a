import { natsServerPath } from '@joinery/cluster/testing'
import { it } from 'vitest'
import { skipForWant } from '../support/skip-for-want.ts'

/* The rest of what `npm run conformance:gateway` runs: see gateway.long.test.ts. */
process.env.JOINERY_THROUGH = 'gateway'
if ((await natsServerPath()) !== undefined) {
  await import('./stock-client-restarts.long.test.ts')
  await import('./honest-content.test.ts')
  await import('./refused-stock-clients.test.ts')
  await import('./other-yjs.long.test.ts')
} else
  it('stock clients through a gateway', (context) =>
    skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one'))
