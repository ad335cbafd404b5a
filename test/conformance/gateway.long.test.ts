import { natsServerPath } from '@joinery/cluster/testing'
import { it } from 'vitest'
import { skipForWant } from '../support/skip-for-want.ts'

/*
 * The tests of stock clients, as they are, at a node of a cluster that owns nothing and passes everybody on to another one. Those that
 * start servers anew run at night.
 */
process.env.JOINERY_THROUGH = 'gateway'
if ((await natsServerPath()) !== undefined) await import('./stock-client.test.ts')
else
  it('stock clients through a gateway', (context) =>
    skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one'))
