import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { Ledger } from './ledger.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'

interface Row {
  readonly id: string
  readonly state: string
  readonly workspace?: string
  readonly task?: string
  readonly why?: string
}

const dataOf = ({ directory }: ResourceScene): string => join(directory, 'data')

async function eventsOf(scene: ResourceScene): Promise<Row[]> {
  return JSON.parse((await joinery('hooks', 'list', '--json', '--data', dataOf(scene))).stdout).hooks
}

async function eventOf(scene: ResourceScene, id: string): Promise<Row | undefined> {
  return (await eventsOf(scene)).find((row) => row.id === id)
}

/** Looks seldom: each look is a command. */
const POLL = { interval: 500 }

/** An event that names a payment, and does not say whose it is. */
const bare = (id: string, payment: string, type = 'charge.refunded') =>
  JSON.stringify({ id, object: 'event', type, data: { object: { id: 'ch_1', payment_intent: payment } } })

it('[RS46] an event that names a payment alone finds its block, also after a kill, and when it came before the payment', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  // It comes before anybody knows the payment.
  await scene.send(bare('evt_early', 'pi_1', 'charge.updated'))
  await expect.poll(() => eventOf(scene, 'evt_early'), POLL).toMatchObject({ state: 'received' })
  await scene.run('deposit', { amount: 500, currency: 'eur' })
  await scene.shows('deposit', { status: 'requires_action', detail: { id: 'pi_1' } })
  await expect.poll(() => eventOf(scene, 'evt_early'), POLL).toMatchObject({ state: 'handled', workspace: 'shop' })
  await scene.killServer()
  scene.ledger.move('pi_1', 'payment_intent.succeeded', Ledger.charge)
  await scene.send(bare('evt_bare', 'pi_1'))
  await scene.shows('deposit', { status: 'captured' })
  await expect.poll(() => eventOf(scene, 'evt_bare'), POLL).toMatchObject({ state: 'handled' })
  // People may write any id into a run: it leads nobody’s events to their block.
  await scene.run('mine', { action: 'refund', id: 'pi_2' })
  await scene.shows('mine', { status: 'failed' })
  await scene.send(bare('evt_foreign', 'pi_2'))
  await expect.poll(() => eventOf(scene, 'evt_foreign'), POLL).toMatchObject({ state: 'received' })
})

it('[RS47] an event whose task fails is parked with the reason, and a replay is another task', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const metadata = {
    ...{ joinery_workspace: 'shop', joinery_block: 'order', joinery_machine: 'payment@1', joinery_name: 'deposit' },
  }
  const object = { id: 'pi_404', metadata }
  await scene.send(JSON.stringify({ id: 'evt_1', type: 'payment_intent.succeeded', data: { object } }))
  const parked = { state: 'parked', workspace: 'shop', why: expect.stringMatching(/its task is failed: .*No such/i) }
  await expect.poll(() => eventOf(scene, 'evt_1'), POLL).toMatchObject(parked)
  expect((await scene.call('GET', '/metrics')).text).toMatch(/^joinery_hooks_parked 1$/m)
  const first = await eventOf(scene, 'evt_1')
  expect((await joinery('hooks', 'replay', 'stripe', 'evt_1', '--data', dataOf(scene))).exit.code).toBe(0)
  await expect.poll(async () => (await eventOf(scene, 'evt_1'))?.task, POLL).not.toBe(first?.task)
  await expect.poll(() => eventOf(scene, 'evt_1'), POLL).toMatchObject(parked)
  const { json } = await scene.call('GET', `${scene.home}/tasks?saga=payment%401.observe`)
  expect(json.tasks).toHaveLength(2)
})

it('[RS48] nothing of a purged workspace is left in the inbox, with a server and without, and its events stay known by their ids', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const secret = 'the-name-of-a-purged-payment'
  const traces = async (): Promise<string[]> => {
    const names = (await readdir(dataOf(scene))).filter((name) => /\.(ldb|log)$/.test(name))
    const found = await Promise.all(
      names.map(async (name) => [name, await readFile(join(dataOf(scene), name))] as const),
    )
    return found.filter(([, bytes]) => bytes.includes(secret)).map(([name]) => name)
  }
  const pay = async (event: string): Promise<void> => {
    await scene.call('PUT', `${scene.home}/blocks/order`, { type: 'order' })
    await scene.run(secret, { amount: 500, currency: 'eur' })
    const { detail } = await scene.shows(secret, { status: 'requires_action' })
    await scene.send(bare(event, (detail as { id: string }).id))
    await expect.poll(() => eventOf(scene, event), POLL).toMatchObject({ state: 'handled', workspace: 'shop' })
  }
  const gone = async (event: string): Promise<void> => {
    expect(await eventOf(scene, event)).toEqual(
      expect.objectContaining({ id: event, state: expect.stringMatching(/handled|dropped/) }),
    )
    expect(JSON.stringify(await eventsOf(scene))).not.toContain('shop')
  }
  await pay('evt_1')
  const purge = async (): Promise<void> => {
    for (const command of ['delete', 'purge']) {
      const done = await joinery(command, 'shop', '--data', dataOf(scene))
      expect(done.exit.code, done.output).toBe(0)
    }
  }
  await purge()
  await gone('evt_1')
  expect((await scene.send(bare('evt_1', 'pi_1'))).json).toEqual({ duplicate: true })
  await pay('evt_2')
  await scene.server.child.end('SIGTERM')
  await purge()
  await gone('evt_2')
  await scene.killServer()
  await scene.server.child.end('SIGTERM')
  await expect.poll(traces).toEqual([])
})
