import { CLAIM_LISTS } from '@joinery/blocks'
import { type EventStore, type Lsn, openLevelStore, openMemoryStore } from '@joinery/log'
import { Egress, type Outbox, Secrets } from '@joinery/resources'
import type { WorkspaceId } from '@joinery/server'
import pino from 'pino'
import { expect, it } from 'vitest'
import { openServedOutbox } from '../../apps/server/src/resources/serve-outbox.mts'
import { ApiFixture } from '../../packages/api/src/testing/api-fixture.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { WebhookReceiver } from './webhook-receiver.ts'

const KEY = `whsec_${Buffer.from('a secret of 24 characters').toString('base64')}`
const SHOP = 'shop' as WorkspaceId

/** A server in this process that tells one receiver what changes. */
class Host implements AsyncDisposable {
  readonly receiver: WebhookReceiver
  readonly api: ApiFixture
  readonly outbox: Outbox

  private constructor(receiver: WebhookReceiver, api: ApiFixture, outbox: Outbox) {
    this.receiver = receiver
    this.api = api
    this.outbox = outbox
  }

  static async start(store: EventStore, receiver: WebhookReceiver): Promise<Host> {
    const api = await ApiFixture.start({ store })
    const { workspaces } = api.server
    const subscription = {
      ...{ url: receiver.url, workspaces: ['*'], secrets: ['hook'], headers: {}, coalesceMs: 10, retryMs: [20] },
      ...{ events: ['status' as const, 'block' as const, 'content' as const], disableAfterMs: 3_600_000 },
    }
    const egress = new Egress({ allow: new URL(receiver.url).origin })
    const settings = { subscriptions: { s: subscription }, secrets: new Secrets({ JOINERY_SECRET_HOOK: KEY }), egress }
    const place = { workspaces, store, lists: CLAIM_LISTS, isShared: false, logger: pino({ level: 'silent' }) }
    return new Host(receiver, api, await openServedOutbox(settings, place))
  }

  async put(block: string): Promise<number> {
    const { status, headers, text } = await this.api.call('PUT', `/v1/workspaces/${SHOP}/blocks/${block}`, {
      type: 't',
    })
    expect(status, text).toBe(201)
    return Number(headers.get('x-joinery-lsn'))
  }

  async idle(): Promise<void> {
    await expect.poll(() => this.outbox.fold.pending.size, { message: 'all is told' }).toBe(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]()
  }
}

const start = () => WebhookReceiver.start(() => [KEY])

it('[RS37] records that history does not keep, and another history under the name, are told as a gap', async () => {
  const store = openMemoryStore()
  await using receiver = await start()
  await using host = await Host.start(store, receiver)
  await receiver.told(SHOP, await host.put('a'))
  // The endpoint is away for a while, and history is short meanwhile.
  receiver.answer = () => 410
  await host.put('b')
  await expect.poll(() => [...host.outbox.endpoints][0]?.isDisabled, { message: 'it is disabled' }).toBe(true)
  const last = await host.put('c')
  await host.put('d')
  const { workspaces } = host.api.server
  const { head } = await workspaces.position(SHOP)
  await workspaces.replace(SHOP, async () => {
    const log = await store.open(SHOP)
    // Nobody builds a document of the workspace any more.
    await log.snapshot({ lsn: (head - 1) as Lsn, state: new Uint8Array([0, 0]) })
    await log.close()
  })
  await workspaces.maintain(SHOP, (log) => log.compact({ keepHistory: { events: 1 }, verify: () => undefined }))
  receiver.answer = () => 204
  expect(host.outbox.enable('s')).toBe(true)
  await receiver.told(SHOP, head)
  await host.idle()
  const told = receiver.taken.map(({ type, data }) => [type, data.lsn.from, data.lsn.through])
  // The delivery that was on its way comes first.
  expect(told.slice(1)).toEqual([
    ['joinery.changed', 2, last - 1],
    ['joinery.gap', last, head - 1],
    ['joinery.changed', head, head],
  ])
  await store.close()
})

it('[RS39] a deleted workspace tells nothing until that is taken back, and nothing is left of a purged one', async () => {
  await using directory = await tempDirectory()
  const store = await openLevelStore({ directory: directory.path, durability: 'async' })
  await using receiver = await start()
  {
    await using host = await Host.start(store, receiver)
    const { workspaces } = host.api.server
    await receiver.told(SHOP, await host.put('a'))
    await host.idle()
    // A record is told once the workspace is back, and begins a new history after the purge.
    receiver.answer = () => 500
    const late = await host.put('b')
    await expect.poll(() => host.outbox.dead, { message: 'it is given up' }).toBe(1)
    await workspaces.delete(SHOP)
    receiver.answer = () => 204
    const [dead] = await host.outbox.deliveries()
    if (dead === undefined) throw new Error('nothing was given up')
    await host.outbox.decide(dead, 'replay')
    expect(receiver.reached(SHOP)).toBeLessThan(late)
    await workspaces.undelete(SHOP)
    await receiver.told(SHOP, late)
    await workspaces.delete(SHOP)
    await workspaces.purge(SHOP)
    expect([...host.outbox.fold.pending, ...host.outbox.fold.dead]).toEqual([])
    const names = await Array.fromAsync(store.systemLogs())
    expect(names.filter((name) => name.includes('/'))).toEqual([])
    const before = receiver.taken.length
    await host.put('a')
    await expect.poll(() => receiver.taken.length, { message: 'the new history is told' }).toBe(before + 1)
    expect(receiver.taken.at(-1)?.data.lsn.from).toBe(1)
  }
  await store.close()
})
