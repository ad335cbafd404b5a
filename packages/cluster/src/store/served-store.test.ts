import { openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import type { WorkspaceId } from '@joinery/protocol'
import { ServerFixture } from '@joinery/server/testing'
import { afterEach, expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { CutEngine } from '../testing/cut-engine.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A server on a node of a cluster. Its time stands still until the test lets it pass. */
async function serve(engine: MemoryEngine, name: string) {
  const clock = new HandClock()
  const link = new CutEngine(engine.connect(name))
  const node = await openClusterNode({
    ...{ engine: link.engine, store: openMemoryStore(), node: name, advertise: `${name}:1`, clock },
  })
  // The rooms are looked at as often as heartbeats are.
  const limits = { heartbeatMs: 100, drainMs: 500 }
  const served = await ServerFixture.start({ store: node.store, ownership: node.ownership, limits })
  ends.push(async () => {
    link.isCut = false
    const closed = served.close()
    const timer = setInterval(() => clock.pass(1_000), 5)
    await closed.then(() => node.close()).finally(() => clearInterval(timer))
  })
  return { clock, link, node, served }
}

it('[S360] a client hears `stored` when its edit is on the server, and `durable` once a quorum has it', async () => {
  const { link, clock, served } = await serve(new MemoryEngine(), 'a')
  const client = await served.client('w?joinery=1').synced()
  expect(client.message('hello')).toMatchObject({ isReplicated: true })
  client.text.insert(0, '1')
  await client.until(() => client.message('durable')?.frames === 2)
  link.isCut = true
  client.text.insert(1, '2')
  await client.until(() => client.message('stored')?.frames === 3)
  await client.roundTrip()
  expect(client.message('durable')?.frames).toBe(2)
  link.isCut = false
  clock.pass(1_000)
  await client.until(() => client.message('durable')?.frames === 3)
})

it('[S361] clients hear `not_replicated` when edits reach no other machine for 5 s, again when they do, and after 15 s they are sent elsewhere', async () => {
  const { link, clock, served } = await serve(new MemoryEngine(), 'a')
  const client = await served.client('w?joinery=1').synced()
  link.isCut = true
  client.text.insert(0, '1')
  await client.until(() => client.message('stored')?.frames === 2)
  clock.pass(5_000)
  await client.until(() => client.message('writable')?.code === 'not_replicated')
  expect(client.message('writable')).toMatchObject({ isWritable: true })
  const late = await served.client('w?joinery=1').synced()
  await late.until(() => late.message('writable')?.code === 'not_replicated')
  link.isCut = false
  clock.pass(2_000)
  await client.until(() => client.message('durable')?.frames === 2)
  await client.until(() => client.message('writable')?.code === undefined)
  link.isCut = true
  client.text.insert(1, '2')
  await client.until(() => client.message('stored')?.frames === 3)
  clock.pass(15_000)
  await client.until(() => client.closed !== undefined)
  expect(client.closed).toMatchObject({ code: 1013 })
})

it('[S364, Q62] while a node can’t find out the owner, it shows its own copy for reading, and edits wait with their clients until it can', async () => {
  const { link, clock, node, served } = await serve(new MemoryEngine(), 'a')
  const before = await served.client('w?joinery=1').synced()
  before.text.insert(0, 'kept')
  await before.until(() => before.message('durable')?.frames === 2)
  await served.server.workspaces.release('w' as WorkspaceId)
  link.isAway = true
  const client = await served.client('w?joinery=1').synced()
  expect(client.text.toString()).toBe('kept')
  await client.until(() => client.message('writable') !== undefined)
  expect(client.message('writable')).toMatchObject({ isWritable: false, code: 'not_replicated' })
  expect(node.store.awayCount).toBe(1)
  client.text.insert(4, ', and more')
  await client.roundTrip()
  const written = served.server.workspaces.write('w' as WorkspaceId, {
    ...{ writer: { actor: 'p', source: 'agent' }, via: 'program' },
    run: (doc) => doc.getText('t').insert(0, 'x'),
  })
  await expect(written).rejects.toMatchObject({ code: 'no_quorum' })
  // Nothing is here of this one.
  const unknown = served.client('new?joinery=1')
  await unknown.until(() => unknown.closed !== undefined)
  expect(unknown.closed).toMatchObject({ code: 1013 })
  link.isAway = false
  clock.pass(1_000)
  await client.until(() => client.closed !== undefined)
  expect(client.closed).toMatchObject({ code: 1012 })
  expect(node.store.awayCount).toBe(0)
  const again = await served.client('w?joinery=1').synced()
  expect(again.text.toString()).toBe('kept')
  again.text.insert(4, '!')
  await again.until(() => again.message('durable')?.frames === 2)
})

it('[S362] a room whose workspace another node takes closes with 1012, and the next node has all that was acknowledged', async () => {
  const engine = new MemoryEngine()
  const [a, b] = [await serve(engine, 'a'), await serve(engine, 'b')]
  const client = await a.served.client('w?joinery=1').synced()
  client.text.insert(0, 'kept')
  await client.until(() => client.message('durable')?.frames === 2)
  const refused = b.served.client('w?joinery=1')
  await refused.until(() => refused.closed !== undefined)
  expect(refused.closed).toMatchObject({ code: 1012 })
  const seized = await b.node.ownership.seize('w' as WorkspaceId)
  await client.until(() => client.closed !== undefined)
  expect(client.closed).toMatchObject({ code: 1012 })
  const next = await b.served.client('w?joinery=1').synced()
  expect(next.text.toString()).toBe('kept')
  expect(next.message('hello')?.generation).toBe(client.message('hello')?.generation)
  await seized.release()
})
