import { MemoryEngine, openClusterNode, Patience } from '@joinery/cluster'
import { openMemoryStore } from '@joinery/log'
import { Egress, type Outbox, Secrets } from '@joinery/resources'
import { ServerFixture } from '@joinery/server/testing'
import pino from 'pino'
import { expect, it } from 'vitest'
import { openServedOutbox } from '../resources/serve-outbox.mts'
import { SharedState } from './shared-state.mts'

const logger = pino({ level: 'silent' })
const patience = new Patience({ waitMs: 0, logger })

const given = (url: string): Parameters<Outbox['put']>[1] => ({
  ...{ url, workspaces: ['shop'], events: ['block'], secrets: ['hook'], headers: {} },
  ...{ coalesceMs: 1, retryMs: [10], disableAfterMs: 1_000 },
})

/** A node, and the outbox that it opens at its start. */
async function openNode(engine: MemoryEngine, name: string) {
  const connected = engine.connect(name)
  const node = await openClusterNode({
    engine: connected,
    store: openMemoryStore(),
    node: name,
    advertise: `${name}:1`,
  })
  const fixture = await ServerFixture.start({ store: node.store, ownership: node.ownership })
  const { workspaces } = fixture.server
  const settings = {
    subscriptions: {},
    secrets: new Secrets({ JOINERY_SECRET_HOOK: 'whsec_aaaa' }),
    egress: new Egress(),
  }
  const outbox = await openServedOutbox(settings, { workspaces, store: node.store, lists: [], isShared: true, logger })
  const shared = new SharedState({ engine: connected, node, patience, logger })
  return {
    outbox,
    follow: () => shared.followSubscriptions(outbox),
    urls: () => outbox.subscriptions.map(({ id, subscription }) => `${id} ${subscription.url}`),
    async close() {
      shared.close()
      await fixture.close()
      await node.close()
    },
  }
}

it('[RS51] all nodes of a cluster tell by the subscriptions that one of them was given, also those that start later', async () => {
  const engine = new MemoryEngine()
  const one = await openNode(engine, 'one')
  // From the time when the directory was a single machine's.
  await one.outbox.put('old', given('https://old.example/'))
  await one.follow()
  const two = await openNode(engine, 'two')
  await two.follow()
  expect(two.urls()).toEqual(['old https://old.example/'])
  await two.outbox.put('crm', given('https://crm.example/'))
  await expect.poll(one.urls).toEqual(['old https://old.example/', 'crm https://crm.example/'])
  expect(await one.outbox.remove('old')).toBe(true)
  await expect.poll(two.urls).toEqual(['crm https://crm.example/'])
  const three = await openNode(engine, 'three')
  // It knew the one that was removed while it was away.
  await three.outbox.put('old', given('https://old.example/'))
  await three.follow()
  expect(three.urls()).toEqual(['crm https://crm.example/'])
  for (const node of [one, two, three]) await node.close()
})
