import { expect, it } from 'vitest'
import { OutboxScene } from './outbox-scene.ts'

/** Kills of the server while it tells of changes. */
const KILLS = process.env.JOINERY_NIGHTLY === undefined ? 2 : 40
const WORKSPACES = ['shop1', 'shop2']

it('[RS31, RS32] whatever is killed, each change is told, in order, and each delivery has one id and the same bytes', async () => {
  await using scene = await OutboxScene.start({ retryMs: Array.from({ length: 20 }, () => 20) })
  const receiver = scene.receiver(0)
  const last = new Map<string, number>()
  let block = 0
  const write = async (): Promise<void> => {
    for (const workspace of WORKSPACES) {
      last.set(workspace, await scene.change(workspace, 'PUT', `b${block++}`, { type: 't' }))
    }
  }
  for (let kill = 0; kill < KILLS; kill++) {
    // The kill comes as a delivery does: the answer is lost, or was never given.
    const { promise: isDue, resolve } = Promise.withResolvers<void>()
    const doomed = receiver.received.length + 1 + (kill % 3)
    receiver.answer = () => {
      if (receiver.received.length + 1 < doomed) return 204
      resolve()
      return kill % 2 === 0 ? 'hang' : 500
    }
    await write()
    const writing = write()
    await isDue
    await writing
    receiver.answer = () => 204
    await scene.restart('SIGKILL')
  }
  await write()
  await Promise.all([...last].map(([workspace, lsn]) => receiver.told(workspace, lsn)))
  expect(receiver.forged).toEqual([])
  const bodies = new Map<string, string>()
  for (const { id, body } of receiver.received) {
    expect(bodies.get(id) ?? body).toBe(body)
    bodies.set(id, body)
  }
  for (const workspace of WORKSPACES) {
    const ranges = [...bodies].map(([, body]) => JSON.parse(body).data).filter((data) => data.workspace === workspace)
    // Consecutive and without a gap: nothing is told twice under two ids, and nothing is left out.
    const ends = ranges.map(({ lsn }) => [lsn.from, lsn.through])
    expect(ends[0]?.[0]).toBe(1)
    for (const [n, [from]] of ends.entries())
      if (n > 0) expect([workspace, from]).toEqual([workspace, ends[n - 1]?.[1] + 1])
    expect(ends.at(-1)?.[1]).toBe(last.get(workspace))
  }
})
