import { openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { sagaOf, TaskScene, W } from './testing/task-scene.ts'

it('[J52] a journal that can’t be read says so to who asks for its tasks, and the other workspaces go on', async () => {
  const clock = new HandClock()
  const store = openMemoryStore({ clock })
  const saga = sagaOf(['one'])
  const scene = await TaskScene.open({ store, clock })
  const damaged = await scene.begin(saga)
  const whole = await scene.begin(saga, {}, 'other')
  await scene.stop()
  const log = await store.open(`!work/${W}`)
  const who = { actor: 'x', source: 'x', connection: 'x', touched: [] }
  await log.append({ ...who, update: Buffer.from('\u0001{"type":"no such event"}') }).durable
  await log.close()
  await scene.start()
  expect(scene.logged).toMatchObject([{ level: 'error', details: { workspace: W } }])
  await expect(scene.find(damaged)).rejects.toMatchObject({ code: 'corrupted' })
  expect(scene.engine.extent).toEqual({ open: 1, unreadable: 1 })
  expect(await scene.next([saga])).toMatchObject({ task: whole.id })
  await scene.close()
})
