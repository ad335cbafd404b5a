import { sagaOf, TaskScene } from '@joinery/tasks/testing'
import { expect, it } from 'vitest'
import { HookTurns } from './hook-turns.ts'

const BY = { actor: 'joinery', source: 'provider' }
const SAGA = 'sync@1.observe'
const LOOK = sagaOf(['look'], { name: SAGA })
const requestOf = (id: string, name = 'main') => ({
  ...{ saga: SAGA, input: { block: 'order', name }, key: `hook:crm/${id}`, by: BY, sync: true as const },
})
const busy = { code: 'busy' }

async function scene(): Promise<TaskScene> {
  const opened = await TaskScene.open()
  await opened.work([LOOK])
  return opened
}

it('[RS63] one event of a resource is handled at a time, whichever servers took them', async () => {
  const { engine, ...rest } = await scene()
  const turns = new HookTurns(engine)
  const both = await Promise.allSettled([turns.start('shop', requestOf('1')), turns.start('shop', requestOf('2'))])
  expect(both).toMatchObject([{ status: 'fulfilled' }, { reason: busy }])
  const [first] = await engine.openOf('shop', SAGA)
  if (first === undefined) throw new Error('nothing was started')
  // The same event from another server, and events of other resources.
  expect(await turns.start('shop', requestOf('1'))).toMatchObject({ task: { id: first.id }, isRepeated: true })
  const other = (await turns.start('shop', requestOf('3', 'other'))).task
  await turns.start('far', requestOf('4'))
  await engine.cancel('shop', first.id, BY)
  const { task } = await turns.start('shop', requestOf('2'))
  await expect(turns.start('shop', requestOf('5'))).rejects.toMatchObject(busy)
  await engine.terminate('shop', task.id, BY)
  await turns.start('shop', requestOf('5'))
  expect((await engine.find('shop', other.id)).state).toBe('queued')
  expect(rest.logged).toEqual([])
  await engine.close()
})

it('[RS63] a server that takes a workspace over knows a repeat of the event that is being handled from another event', async () => {
  const served = await scene()
  const { task } = await new HookTurns(served.engine).start('shop', requestOf('1'))
  // A person may look at the resource at any time, which holds up no event.
  await served.engine.start('shop', { ...requestOf('x', 'other'), key: 'mine' })
  await served.restart()
  await served.work([LOOK], { max: 1 })
  const turns = new HookTurns(served.engine)
  await expect(turns.start('shop', requestOf('2'))).rejects.toMatchObject(busy)
  expect((await turns.start('shop', requestOf('1'))).task.id).toBe(task.id)
  await turns.start('shop', requestOf('3', 'other'))
  await served.engine.terminate('shop', task.id, BY)
  await turns.start('shop', requestOf('2'))
  await served.close()
})
