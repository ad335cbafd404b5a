import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore, openMemoryStore } from '@joinery/log'
import { repairWorkspace } from '@joinery/log/operations'
import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { noteOfRepair, tryJournal } from './journal-trial.ts'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

const who = { actor: 'x', source: 'x', connection: 'x', touched: [] }
const NO_EVENT = Buffer.from('\u0001{"type":"no such event"}')
const SAGA = sagaOf(['one'])

/** A server's tasks over a store whose log of this name ends with a record that is no event. */
async function damagedScene(log: string, prepare: (scene: TaskScene) => Promise<void>, store = openMemoryStore()) {
  const clock = new HandClock()
  const scene = await TaskScene.open({ store, clock, fateOf: async () => 'there' })
  await prepare(scene)
  await scene.stop()
  const opened = await store.open(log)
  await opened.append({ ...who, update: NO_EVENT }).durable
  await opened.close()
  clock.restart()
  await scene.start()
  return scene
}

it('[J52] a journal that can’t be read says so to who asks for its tasks, and the other workspaces go on', async () => {
  const clock = new HandClock()
  const store = openMemoryStore({ clock })
  const saga = sagaOf(['one'])
  const scene = await TaskScene.open({ store, clock })
  const damaged = await scene.begin(saga)
  const whole = await scene.begin(saga, {}, 'other')
  await scene.stop()
  const log = await store.open(`!work/${W}`)
  await log.append({ ...who, update: NO_EVENT }).durable
  await log.close()
  await scene.start()
  expect(scene.logged).toMatchObject([{ level: 'error', details: { workspace: W } }])
  await expect(scene.find(damaged)).rejects.toMatchObject({ code: 'corrupted' })
  expect(scene.engine.extent).toEqual({ open: 1, unreadable: 1 })
  expect(scene.engine.damagedJournals).toMatchObject([{ log: `!work/${W}`, reason: expect.stringContaining('repair') }])
  expect(scene.engine.gauges.damagedJournals).toBe(1)
  expect(await scene.next([saga])).toMatchObject({ task: whole.id })
  await scene.close()
})

it('[J90] with a damaged journal of its own the server starts, knows its open tasks, and takes new ones', async () => {
  let open = { id: '' }
  const scene = await damagedScene('!work', async (before) => {
    open = await before.begin(SAGA)
    await before.begin(SAGA, {}, 'other')
  })
  expect(scene.engine.damagedJournals).toMatchObject([{ log: '!work' }])
  expect(await scene.next([SAGA])).toMatchObject({ task: open.id })
  expect(await scene.next([SAGA])).toMatchObject({ workspace: 'other' })
  await scene.begin(SAGA, {}, 'third')
  scene.engine.ask('fourth', undefined as never, { saga: 'saga', input: 4, key: 'asked', by: ADA })
  await expect.poll(async () => (await scene.engine.list('fourth', { limit: 9 })).tasks.length).toBe(1)
  // The remains of a purged workspace in the damaged journal can’t be removed, and that is said.
  await expect(scene.engine.forget('other')).rejects.toMatchObject({ code: 'corrupted' })
  await scene.close()
})

it('[J91] a repair beside the server keeps what came meanwhile, and pauses the tasks of a journal that it has cut', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-damaged-journal-'))
  try {
    const store = await openLevelStore({ directory, durability: 'async' })
    const sagas = ['saga', 'late', 'meanwhile'].map((name) => sagaOf(['one'], { name }))
    const [first = SAGA, late = SAGA, meanwhile = SAGA] = sagas
    const cut = `!work/${W}`
    const scene = await damagedScene(cut, async (before) => void (await before.begin(first)), store)
    const repair = (log: string) =>
      scene.engine.whileClosed(log, async () => {
        await scene.begin(meanwhile, {}, log === '!work' ? 'fourth' : 'fifth')
        const note = { ...who, update: noteOfRepair(log) ?? Buffer.of(0) }
        return repairWorkspace(store, log, { directory, note, loadSystemLog: tryJournal })
      })
    await scene.begin(late, {}, 'third')
    expect((await repair(cut)).droppedBehind).toBe(1)
    expect(scene.engine.damagedJournals).toEqual([])
    expect((await scene.engine.list(W, { limit: 9 })).tasks).toMatchObject([{ waiting: { code: 'paused' } }])
    // The server’s own journal is damaged while it is open.
    await scene.damage('!work', NO_EVENT)
    await repair('!work')
    await scene.restart()
    expect(scene.engine.damagedJournals).toEqual([])
    const ofOthers = await scene.work(sagas, { max: 9 })
    expect(ofOthers.map(({ workspace }) => workspace).toSorted()).toEqual(['fifth', 'fourth', 'third'])
    expect(await scene.engine.resume(W, ADA)).toBe(1)
    expect(await scene.next(sagas)).toMatchObject({ workspace: W })
    await scene.close()
  } finally {
    await rm(directory, { recursive: true })
  }
})

it('[J91] a trial of a journal finds what it can’t be opened with, and passes notes of repairs', () => {
  for (const log of ['!work', `!work/${W}`]) {
    const trial = tryJournal(log)
    trial.add(noteOfRepair(log) ?? expect.fail('no note'))
    trial.add(Buffer.of(0, 0))
    expect(() => trial.add(NO_EVENT)).toThrow('can’t be read')
  }
  tryJournal('!leases/w').add(NO_EVENT)
  expect(noteOfRepair('!leases/w')).toBeUndefined()
})
