import { expect, it } from 'vitest'
import { OutboxScene, SECRETS } from './outbox-scene.ts'

it('[RS30, RS31, RS33] endpoints are told what they asked for, signed with both secrets of a rotation, and no content', async () => {
  await using scene = await OutboxScene.start(
    { secrets: ['hook_new', 'hook_old'], headers: { Authorization: { secret: 'hook_old', prefix: 'Bearer ' } } },
    { events: ['status'], workspaces: ['shop'] },
  )
  const [all, statuses] = [scene.receiver(0), scene.receiver(1)]
  await scene.change('shop', 'PUT', 'order', { type: 'order', content: 'a secret text' })
  await scene.change('shop', 'PATCH', 'order', { content: 'another secret text' })
  const lsn = await scene.change('shop', 'POST', 'order/statuses/sync@1/crm/runs', {})
  await scene.change('elsewhere', 'PUT', 'order', { type: 'order' })
  const last = await scene.change('shop2', 'PUT', 'order', { type: 'order' })
  await Promise.all([all.told('shop', lsn), statuses.told('shop', lsn), all.told('shop2', last)])
  expect([all.forged, statuses.forged]).toEqual([[], []])

  const first = all.taken[0]
  expect(first?.headers.authorization).toBe(`Bearer ${SECRETS.old}`)
  expect(String(first?.headers['webhook-signature']).split(' ')).toHaveLength(2)
  const paths = all.taken.flatMap(({ data }) => data.paths ?? [])
  expect(new Set(paths)).toEqual(new Set(['order', 'order/content', 'order/statuses']))
  expect(all.received.map(({ body }) => body).join()).not.toContain('secret text')
  expect(all.taken.map(({ data }) => data.workspace)).not.toContain('elsewhere')

  // One subscription alone heard of the status, and of nothing else.
  expect(statuses.taken).toHaveLength(1)
  expect(statuses.taken[0]).toMatchObject({
    type: 'joinery.changed',
    data: {
      paths: ['order/statuses'],
      statuses: [{ block: 'order', machine: 'sync@1', name: 'crm', status: 'pending', run: { no: 1 }, before: null }],
    },
  })
  // The next one tells from where to where it went.
  const again = await scene.change('shop', 'POST', 'order/statuses/sync@1/crm/runs', {})
  await Promise.all([all.told('shop', again), statuses.told('shop', again)])
  expect(statuses.taken[1]).toMatchObject({
    data: { statuses: [{ name: 'crm', status: 'pending', run: { no: 2 }, before: { status: 'pending', run: 1 } }] },
  })
  // Each record is told once, in order.
  const ranges = all.taken.filter(({ data }) => data.workspace === 'shop').map(({ data }) => data.lsn)
  expect(ranges.every(({ from }, n) => n === 0 || from > (ranges[n - 1]?.through ?? 0))).toBe(true)
  expect(await scene.metrics()).toMatch(/joinery_webhook_deliveries_total\{subscription="s1",outcome="sent"\} 2/)
})

it('[RS34, RS35, RS40, A150, A151] an endpoint that is dead stops nobody, and what it missed is replayed or dropped', async () => {
  await using scene = await OutboxScene.start({}, { disableAfterMs: 3_600_000 })
  const [good, dead] = [scene.receiver(0), scene.receiver(1)]
  let status = 500
  dead.answer = () => status
  for (const workspace of ['shop', 'shop1', 'shop2']) {
    await good.told(workspace, await scene.change(workspace, 'PUT', 'order', { type: 'order' }))
  }
  const gaveUp = async (count: number): Promise<void> => {
    await expect
      .poll(() => scene.metrics(), { message: `${count} deliveries are given up` })
      .toMatch(new RegExp(`joinery_webhooks_dead ${count}\\n`))
  }
  await gaveUp(3)
  // One attempt, then one after each pause, all with the same id and bytes.
  const ids = [...new Set(dead.received.map(({ id }) => id))]
  expect(ids).toHaveLength(3)
  for (const id of ids) {
    const attempts = dead.received.filter((received) => received.id === id)
    expect(attempts).toHaveLength(4)
    expect(new Set(attempts.map(({ body }) => body)).size).toBe(1)
  }
  const { endpoints, deliveries } = await scene.listed()
  expect(endpoints).toMatchObject([{ subscription: 's1' }])
  expect(deliveries).toHaveLength(3)
  for (const delivery of deliveries) {
    expect(delivery).toMatchObject({ subscription: 's1', state: 'dead', attempts: 4, why: 'the endpoint answered 500' })
  }
  const [first, second, third] = deliveries.map(({ id }) => String(id)) as [string, string, string]

  status = 204
  expect((await scene.outgoing('replay', 's1', first)).stdout).toBe(`the delivery ${first} of s1 is sent once more\n`)
  await gaveUp(2)
  expect(dead.taken.map(({ id }) => id)).toEqual([first])
  expect((await scene.outgoing('drop', 's1', second)).exit.code).toBe(0)
  await gaveUp(1)
  expect((await scene.outgoing('replay', 's1', second)).output).toMatch(/no delivery .* of s1 has failed/)

  // Without a server, too: the next one sends it.
  await scene.server.child.end('SIGTERM')
  expect((await scene.outgoing('replay', 's1', third)).exit.code).toBe(0)
  await scene.restart('SIGKILL')
  await gaveUp(0)
  expect(dead.taken.map(({ id }) => id)).toEqual([first, third])
})

it('[RS36, A150] an endpoint that is gone is told nothing until it is enabled, and then all that it missed', async () => {
  await using scene = await OutboxScene.start({})
  const receiver = scene.receiver(0)
  receiver.answer = () => ({ status: 410, headers: {} })
  const last = await scene.change('shop', 'PUT', 'order', { type: 'order' })
  await expect
    .poll(() => scene.metrics(), { message: 'the endpoint is disabled' })
    .toMatch(/joinery_webhook_endpoints_disabled 1\n/)
  expect((await scene.call('GET', '/readyz')).json).toMatchObject({
    status: 'ready',
    webhooks: { disabled: ['s0'], dead: 0 },
  })
  await scene.restart('SIGKILL')
  const before = receiver.received.length
  expect((await scene.listed()).endpoints).toMatchObject([
    { subscription: 's0', disabled: expect.stringMatching(/410/) },
  ])
  receiver.answer = ({ data }) => {
    return data.lsn.through > last ? { status: 400, headers: { 'webhook-delivery': 'abort-message' } } : 204
  }
  expect(receiver.received).toHaveLength(before)
  expect((await scene.outgoing('enable', 's0')).exit.code).toBe(0)
  await receiver.told('shop', last)
  // One that the endpoint wants never more is not sent again.
  await scene.change('shop', 'PUT', 'bill', { type: 'bill' })
  await expect
    .poll(() => scene.metrics(), { message: 'the delivery is refused' })
    .toMatch(/outcome="refused"\} 1\n[\s\S]*joinery_webhooks_dead 0\n/)
})
