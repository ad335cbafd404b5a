import { join } from 'node:path'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { Ledger } from './ledger.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'

/** Looks seldom: each look is a command. */
const POLL = { interval: 500 }

interface Row {
  readonly id: string
  readonly state: string
  readonly task?: string
  readonly body?: string
}

it('[A113, RS18] operators list, show, replay and drop parked events, with a server and without', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const data = join(scene.directory, 'data')
  const hooks = (...args: string[]) => joinery('hooks', ...args, '--data', data)
  const list = async (...args: string[]): Promise<Row[]> => {
    return JSON.parse((await hooks('list', '--json', ...args)).stdout).hooks
  }
  const counts = async (parked: number): Promise<void> => {
    const message = `no event waits, and ${parked} are parked`
    await expect
      .poll(async () => (await scene.call('GET', '/metrics')).text, { message })
      .toMatch(new RegExp(`joinery_hooks_parked ${parked}\\n[^]*joinery_hooks_waiting 0\\n`))
  }
  const done = async (): Promise<number> => {
    const { json } = await scene.call('GET', `${scene.home}/tasks?saga=payment%401.observe&state=done`)
    return json.tasks.length
  }
  await scene.run('deposit', { amount: 500, currency: 'eur' })
  const { detail } = await scene.shows('deposit', { status: 'requires_action' })
  const event = scene.ledger.move((detail as { id: string }).id, 'payment_intent.succeeded', Ledger.charge)
  // Another event has come under the same id before: the payment's own are parked.
  await scene.send(JSON.stringify({ id: event.id, type: 'other', data: { object: {} } }))
  for (const n of [0, 1, 2]) {
    const { json } = await scene.send(JSON.stringify({ ...event, created: event.created + n }))
    expect(json).toEqual({ conflict: true })
  }
  await counts(3)
  const [third, second, first] = (await list('--state', 'parked')).map(({ id }) => id) as [string, string, string]
  expect((await hooks('list')).stdout).toMatch(/^endpoint .*\nstripe .* parked .*another event came under the id/)
  const shown = JSON.parse((await hooks('show', 'stripe', first, '--json')).stdout).hook
  expect(JSON.parse(shown.body)).toEqual(event)

  expect(await hooks('replay', 'stripe', first)).toMatchObject({
    exit: { code: 0 },
    stdout: `the event ${first} of stripe is handled again\n`,
  })
  const handled = expect.objectContaining({ id: first, state: 'handled', task: expect.any(String) })
  await counts(2)
  await scene.shows('deposit', { status: 'captured' })
  // Each look is a command, which takes long: the status and the tasks tell before that there is something to see.
  await expect.poll(() => list(), POLL).toContainEqual(handled)
  expect(JSON.parse((await hooks('drop', 'stripe', second, '--json')).stdout)).toMatchObject({
    hook: { id: second, state: 'dropped' },
    done: 'drop',
  })

  await scene.server.child.end('SIGTERM')
  expect((await list('--state', 'parked,dropped', '--endpoint', 'stripe')).map(({ id }) => id)).toEqual([third, second])
  for (const [args, why] of [
    [['replay', 'stripe', second], 'is dropped: only a parked one'],
    [['show', 'stripe', 'nobody'], 'there is no event nobody of stripe'],
  ] as const) {
    const { exit, output } = await hooks(...args)
    expect({ code: exit.code, output }).toEqual({ code: 1, output: expect.stringContaining(why) })
  }
  expect((await hooks('list', '--state', 'lost')).exit.code).toBe(2)
  expect((await hooks('replay', 'stripe', third)).exit.code).toBe(0)
  await scene.killServer()
  await counts(0)
  // The server handles what was replayed without it.
  await expect.poll(done).toBe(2)
  await expect.poll(() => list(), POLL).toContainEqual(expect.objectContaining({ id: third, state: 'handled' }))
})
