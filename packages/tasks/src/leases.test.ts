import { createHash } from 'node:crypto'
import { openMemoryStore } from '@joinery/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

let scene: TaskScene
beforeEach(async () => {
  scene = await TaskScene.open()
})
afterEach(() => scene.close())

const saga = sagaOf(['one'])

describe('a lease', () => {
  it('[J11] ends when its worker is not heard of for its time, by the monotonic clock alone', async () => {
    await scene.begin(saga)
    const first = await scene.next([saga])
    expect(first.leaseMs).toBe(30_000)
    for (const byMs of [3_600_000, -86_400_000]) {
      scene.clock.step(byMs)
      scene.clock.pass(20_000)
      expect(await scene.engine.beat(first.token, { details: { at: 7 } })).toBe('go')
    }
    scene.clock.pass(29_999)
    expect(await scene.work([saga])).toEqual([])
    scene.clock.pass(2)
    expect(await scene.next([saga])).toMatchObject({ attempt: 2, details: { at: 7 }, key: first.key })
  })

  it('[J11] is as long again after a restart, however the wall clock was set meanwhile', async () => {
    await scene.begin(saga)
    await scene.next([saga])
    scene.clock.pass(29_000)
    scene.clock.step(86_400_000)
    await scene.restart()
    scene.clock.pass(29_999)
    expect(await scene.work([saga])).toEqual([])
    scene.clock.pass(2)
    expect(await scene.next([saga])).toMatchObject({ attempt: 2 })
  })

  it('[J12] that ended counts all the same if its worker answers before the step is given to another', async () => {
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    scene.clock.pass(30_001)
    await expect(scene.engine.beat(token, {})).rejects.toMatchObject({ code: 'lease_lost' })
    await scene.engine.done(token, { result: 'late' })
    expect(await scene.find(task)).toMatchObject({ state: 'done', results: { one: 'late' } })
  })

  it('[J12] of a zombie is refused everywhere once another worker has the step', async () => {
    const task = await scene.begin(saga)
    const zombie = await scene.next([saga])
    scene.engine.assertStands(W, zombie.token)
    scene.clock.pass(30_001)
    const { token } = await scene.next([saga], { worker: 'w2' })
    const refused = { code: 'lease_lost' }
    for (const call of [
      () => scene.engine.done(zombie.token, { result: 'zombie' }),
      () => scene.engine.failed(zombie.token, { error: 'x', class: 'permanent' }),
      () => scene.engine.beat(zombie.token, {}),
      () => scene.engine.release(zombie.token),
      async () => scene.engine.assertStands(W, zombie.token),
      async () => scene.engine.wrote(zombie.token, { lsn: 1, touched: [] }),
    ]) {
      await expect(call()).rejects.toMatchObject(refused)
    }
    await scene.engine.done(token, { result: 'living' })
    await expect(scene.engine.done(zombie.token, { result: 'zombie' })).rejects.toMatchObject(refused)
    expect(await scene.find(task)).toMatchObject({ results: { one: 'living' } })
    expect(scene.engine.counts.fencedWrites).toBe(5)
  })

  it('[J13] is answered once: the same answer again changes nothing, another is refused', async () => {
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    const both = [scene.engine.done(token, { result: 1 }), scene.engine.done(token, { result: 1 })]
    await Promise.all(both)
    const { lsn } = await scene.find(task)
    await scene.restart()
    await scene.engine.done(token, { result: 1 })
    expect((await scene.find(task)).lsn).toBe(lsn)
    await expect(scene.engine.done(token, { result: 2 })).rejects.toMatchObject({ code: 'already_done' })
    await expect(scene.engine.failed(token, { error: '', class: 'unsure' })).rejects.toMatchObject({
      code: 'already_done',
    })
  })

  it('[J13] of a failed attempt is answered once, too', async () => {
    await scene.begin(saga)
    const { token } = await scene.next([saga])
    const failed = { error: 'x', class: 'transient' } as const
    await scene.engine.failed(token, failed)
    await scene.engine.failed(token, failed)
    await expect(scene.engine.done(token, {})).rejects.toMatchObject({ code: 'already_done' })
  })

  it('[J14] that is given back costs no attempt', async () => {
    const one = sagaOf([{ name: 'one', kind: 'step', retry: { attempts: 1, firstMs: 0, maxMs: 0 } }])
    const task = await scene.begin(one)
    for (let n = 0; n < 3; n++) await scene.engine.release((await scene.next([one])).token)
    await scene.engine.done((await scene.next([one])).token, {})
    expect(await scene.find(task)).toMatchObject({ state: 'done' })
  })

  it('[J15] is lost for a token that is mangled, of another workspace, or of a task that has ended', async () => {
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    for (const other of ['', 'x', `${token}x`, token.toUpperCase(), token.replace(/^w1/, 'w2'), 'w1.__proto__.x']) {
      await expect(scene.engine.beat(other, {})).rejects.toMatchObject({ code: 'lease_lost' })
    }
    await scene.begin(saga, {}, 'acme/other')
    expect(() => scene.engine.assertStands('acme/other', token)).toThrow(/lease/)
    await scene.engine.terminate(W, task.id, ADA)
    await expect(scene.engine.done(token, {})).rejects.toMatchObject({ code: 'lease_lost' })
  })

  it('[J16] keeps the progress that its worker tells within bounds, and gives nobody a higher rank by it', async () => {
    const task = await scene.begin(saga)
    const { token } = await scene.next([saga])
    await scene.engine.beat(token, { progress: Number.NaN, total: -1, note: 'n'.repeat(5_000), stalledMs: Infinity })
    const [step] = (await scene.find(task)).steps
    expect(step?.progress).toEqual({ note: 'n'.repeat(200) })
    const large = scene.engine.beat(token, { details: 'd'.repeat(20_000) })
    await expect(large).rejects.toMatchObject({ code: 'too_large' })
  })
})

describe('a server that has taken over the journals of another one', () => {
  it('[J111] opens the journal that a message under a token is about, as soon as its workspace is known', async () => {
    const store = openMemoryStore()
    /** A server with a journal of its own, and those of the workspaces. */
    const server = (own: string, known: boolean): Promise<TaskScene> =>
      TaskScene.open({
        store,
        openSystemLog: async (name, release) => {
          const log = await store.open(name === '!work' ? own : name)
          closing.push(async () => {
            await release()
            await log.close()
          })
          return log
        },
        workspaceOfHash: (hash) => (known && hash === hashOf('far') ? 'far' : undefined),
      })
    const closing: (() => Promise<void>)[] = []
    const end = async (one: TaskScene): Promise<void> => {
      await one.engine.close()
      for (const close of closing.splice(0)) await close()
      await one.documents.close()
    }
    const first = await server('!first', false)
    const { id } = await first.begin(saga, {}, 'far')
    const { token } = await first.next([saga])
    await end(first)
    for (const known of [false, true]) {
      const next = await server(`!next-${known}`, known)
      const done = next.engine.done(token, {})
      if (known) await done
      else await expect(done).rejects.toMatchObject({ code: 'lease_lost' })
      if (known) expect(await next.find({ id }, 'far')).toMatchObject({ state: 'done' })
      await end(next)
    }
    await store.close()
  })
})

function hashOf(workspace: string): string {
  return createHash('sha256').update(workspace).digest('hex').slice(0, 16)
}
