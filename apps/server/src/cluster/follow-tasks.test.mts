import { MemoryEngine, openClusterNode } from '@joinery/cluster'
import { openMemoryStore } from '@joinery/log'
import pino from 'pino'
import { afterEach, expect, it, vi } from 'vitest'
import { FollowTasks } from './follow-tasks.mts'

afterEach(() => {
  vi.useRealTimers()
})

it('[A132] the journals of a deleted workspace are passed over, and adopted once the deletion is taken back', async () => {
  const engine = new MemoryEngine()
  const node = await openClusterNode({
    ...{ engine: engine.connect('a'), store: openMemoryStore(), node: 'a', advertise: 'a:1' },
  })
  for (const workspace of ['kept', 'deleted']) {
    const log = await node.store.open(workspace)
    const by = { actor: 'ann', source: 'user_action', connection: 'c', touched: [] }
    await log.append({ ...by, update: Buffer.from('x') }).durable
    await log.close()
  }
  await node.store.tombstone('deleted')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const adopted: string[] = []
  const following = new FollowTasks({
    node,
    logs: async () => ['!work/kept', '!work/deleted'],
    tasks: { list: async (workspace) => ({ tasks: [], lsn: adopted.push(workspace) }) },
    outbox: undefined,
    logger: pino({ level: 'silent' }),
  })
  // Each round is a look.
  const looks = async (count: number): Promise<void> => {
    for (let look = 0; look < count; look++) await vi.advanceTimersByTimeAsync(1_000)
  }
  await looks(3)
  expect(adopted).toEqual(['kept'])
  await node.store.undelete('deleted')
  await looks(2)
  expect(adopted.toSorted()).toEqual(['deleted', 'kept', 'kept'])
  vi.useRealTimers()
  await following.close()
  await node.close()
})
