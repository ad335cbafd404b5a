import type { LogRecord } from '@joinery/log'
import type { Json, SagaShape, StepDone } from '@joinery/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { workspaceOfTask } from './names.ts'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const one = sagaOf(['one'])
const start = (input: unknown, more = {}) =>
  scene.engine.start(W, { saga: 'saga', input: input as never, by: ADA, ...more })

describe('an input', () => {
  it('[J39] that is no JSON, too large, or does not fit the schema is refused, and says why', async () => {
    const inputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    await scene.begin(sagaOf(['one'], { inputSchema }), { input: { n: 1 } })
    const cyclic: Record<string, unknown> = { n: 1 }
    cyclic.self = cyclic
    const bad = [undefined, Number.NaN, 1n, () => 1, Promise.resolve(1), new Date(), cyclic, { n: undefined }]
    for (const input of [...bad, JSON.parse('{"n":1,"a":[{"__proto__":1}]}')]) {
      await expect(start(input)).rejects.toMatchObject({ code: 'invalid', message: /no JSON/ })
    }
    await expect(start('x'.repeat(262_143))).rejects.toMatchObject({ code: 'too_large', message: /262145 bytes/ })
    const misfit = { code: 'invalid', details: { issues: [{ path: ['n'] }] } }
    for (const input of [{}, { n: 'x' }, { n: 1.5 }]) await expect(start(input)).rejects.toMatchObject(misfit)
    expect((await scene.engine.list(W, { limit: 9 })).tasks).toHaveLength(1)
  })

  it('[J40] is refused while too many tasks are open', async () => {
    const bounded = await TaskScene.open({ limits: { tasksOpenPerWorkspaceMax: 2, tasksOpenMax: 3 } })
    for (const workspace of ['a', 'a', 'b']) await bounded.begin(one, {}, workspace)
    for (const workspace of ['a', 'b']) {
      const more = bounded.engine.start(workspace, { saga: 'saga', input: 1, by: ADA })
      await expect(more).rejects.toMatchObject({ code: 'too_many_tasks' })
    }
    await bounded.close()
  })
})

describe('a saga that a worker announces', () => {
  const step = { name: 'one', kind: 'step' } as const
  const bad: [why: string, saga: SagaShape, code: string][] = [
    ['a name with a space', { ...one, name: 'a b' }, 'invalid'],
    ['a version that is no number', { ...one, version: 1.5 }, 'invalid'],
    ['two steps of one name', sagaOf(['a', 'a']), 'invalid'],
    ['too many steps', sagaOf(Array.from({ length: 101 }, (_, n) => `s${n}`)), 'invalid'],
    ['attempts for ever', sagaOf([{ ...step, retry: { attempts: Infinity, firstMs: 1, maxMs: 1 } }]), 'invalid'],
    ['too many attempts', sagaOf([{ ...step, retry: { attempts: 101, firstMs: 1, maxMs: 1 } }]), 'invalid'],
    ['a sleep without a time', sagaOf([{ name: 's', kind: 'sleep' }]), 'invalid'],
    ['a schema that is none', { ...one, inputSchema: { type: 'wrong' } }, 'invalid'],
    ['a schema that is no object', { ...one, inputSchema: 7 as unknown as Json }, 'invalid'],
    ['a schema of many bytes', { ...one, inputSchema: { title: 'x'.repeat(300_000) } }, 'too_large'],
  ]
  it.each(bad)('[J41] is refused with %s', async (_, saga, code) => {
    await expect(scene.work([saga])).rejects.toMatchObject({ code })
  })
})

describe('an answer', () => {
  const items = (keys: string[]) => keys.map((key) => ({ key, value: 1 }))
  const bad: [why: string, done: StepDone, code: string][] = [
    ['a result that is too large', { result: 'x'.repeat(65_535) }, 'too_large'],
    ['a result that is no JSON', { result: { a: Number.NaN } }, 'invalid'],
    ['too many operations', { operations: new Array(10_001).fill(1) }, 'too_large'],
  ]
  it.each(bad)('[J42] with %s is refused, and the attempt goes on', async (_, done, code) => {
    await scene.begin(one)
    const { token } = await scene.next([one])
    await expect(scene.engine.done(token, done)).rejects.toMatchObject({ code })
    expect(await scene.engine.beat(token, {})).toBe('go')
  })

  it('[J42] of a plan is refused without items, with items of one key, and with too many', async () => {
    const saga = sagaOf([{ name: 'files', kind: 'each' }])
    await scene.begin(saga)
    const { token } = await scene.next([saga])
    const many = items(Array.from({ length: 10_001 }, (_, n) => `${n}`))
    const wrong: [StepDone, string][] = [
      [{}, 'invalid'],
      [{ items: items(['a', 'a']) }, 'invalid'],
      [{ items: items(['']) }, 'invalid'],
      [{ items: many }, 'too_large'],
    ]
    for (const [done, code] of wrong) await expect(scene.engine.done(token, done)).rejects.toMatchObject({ code })
    await scene.engine.done(token, { items: items(['a']) })
  })

  it('[J42] that makes the task too large is refused', async () => {
    const bounded = await TaskScene.open({ limits: { taskBytesMax: 1_000 } })
    await bounded.begin(one)
    const { token } = await bounded.next([one])
    await expect(bounded.engine.done(token, { result: 'x'.repeat(1_000) })).rejects.toMatchObject({ code: 'too_large' })
    await bounded.close()
  })
})

describe('the id of a task', () => {
  it('[J43] names its workspace, and is no secret of whether the task exists', async () => {
    const { id } = await scene.begin(one)
    expect(workspaceOfTask(id)).toBe(W)
    for (const bad of ['', 'tsk_', id.slice(4), `${id}x`, 'tsk_Li4.0000000000000000000000000000', id.toUpperCase()]) {
      expect(workspaceOfTask(bad)).toBeUndefined()
      await expect(scene.engine.find(W, bad)).rejects.toMatchObject({ code: 'unknown_task' })
    }
    await expect(scene.engine.find('acme/other', id)).rejects.toMatchObject({ code: 'unknown_task' })
  })
})

describe('a task that a record asks for', () => {
  const request = { saga: 'saga', input: { a: 1 }, by: ADA, key: 'claim:1' }
  it('[J44] is started once, however often it is asked for, and after a crash before it was started', async () => {
    await scene.begin(one)
    const record = {} as LogRecord
    scene.engine.ask('other', record, request)
    scene.engine.ask('other', record, request)
    await expect.poll(async () => (await scene.engine.list('other', { limit: 9 })).tasks).toHaveLength(1)
    scene.engine.ask('third', record, request)
    await scene.restart()
    await expect.poll(async () => (await scene.engine.list('third', { limit: 9 })).tasks).toHaveLength(1)
    scene.engine.ask('third', record, request)
    await scene.restart()
    expect((await scene.engine.list('third', { limit: 9 })).tasks).toHaveLength(1)
  })

  it('[J44] is dropped, and logged, if its saga is not known', async () => {
    scene.engine.ask(W, {} as LogRecord, { ...request, saga: 'nobody' })
    await expect.poll(() => scene.logged).toMatchObject([{ level: 'warn', details: { saga: 'nobody' } }])
    await scene.restart()
    expect(scene.logged).toHaveLength(1)
  })
})
