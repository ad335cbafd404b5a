import { openMemoryStore } from '@joinery/log'
import { TaskError, type TaskView } from '@joinery/tasks'
import { describe, expect, it } from 'vitest'
import { FILES_LOG, FileQuotas } from './file-quotas.ts'

const OFF = Number.POSITIVE_INFINITY
const digestOf = (n: number): string => n.toString(16).padStart(64, '0')

/** Quotas over a log in memory, and the ends of the uploads' tasks. */
async function openScene({ workspace = OFF, principal = OFF }) {
  const store = openMemoryStore()
  /** Ends of the uploads' tasks that are known, ms since epoch. */
  const ends = new Map<string, number | undefined>()
  let log = await store.open(FILES_LOG)
  const open = () =>
    FileQuotas.open({
      log,
      atomically: (work) => store.atomically(work),
      limits: { bytesPerWorkspaceMax: workspace, bytesPerPrincipalMax: principal },
      tasks: {
        async find(_, id) {
          if (!ends.has(id)) throw new TaskError('unknown_task', 'gone')
          return { id, endedAt: ends.get(id) } as TaskView
        },
      },
      onUntidy: (error) => expect.fail(String(error)),
    })
  let quotas = await open()
  let made = 0
  return {
    ends,
    get quotas() {
      return quotas
    },
    /** Another process goes on where this one was killed. */
    async restart() {
      await log.close()
      log = await store.open(FILES_LOG)
      quotas = await open()
    },
    start: (bytes: number, { place = 'demo', by = 'ada', sha256 = digestOf(++made) } = {}) => {
      const id = `task-${++made}`
      ends.set(id, undefined)
      const wanted = { workspace: place, principal: by, bytes, sha256 }
      return quotas.startWithin(wanted, async () => ({ id })).then((task) => task.id)
    },
  }
}
const refused = { code: 'quota_files' }

describe('quotas of files', () => {
  it('[RU13] uploads count from their beginning, also those that begin at once, and a file counts on', async () => {
    const scene = await openScene({ workspace: 100 })
    const both = await Promise.allSettled([scene.start(60), scene.start(60)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const [loser] = both.filter((each) => each.status === 'rejected')
    expect(loser?.reason).toMatchObject({ details: { quota: 'workspace', used: 60, bytes: 60, max: 100 } })
    expect(loser?.reason).toMatchObject(refused)
    const second = await scene.start(40)
    await scene.quotas.bring(second)
    await scene.quotas.keep(second)
    await scene.quotas.keep(second)
    await expect(scene.start(1)).rejects.toMatchObject(refused)
    expect(await scene.start(1, { place: 'other' })).toBeDefined()
  })

  it('[RU13] a principal has a quota over all workspaces, and others go on', async () => {
    const scene = await openScene({ principal: 100 })
    await scene.start(60)
    await scene.start(40, { place: 'other' })
    await expect(scene.start(1, { place: 'third' })).rejects.toMatchObject({ details: { quota: 'principal' } })
    expect(await scene.start(100, { by: 'ben' })).toBeDefined()
  })

  it('[RU13] bytes are given back that brought nothing: a failed start, an abort, a file that is there, an upload ended as it stands', async () => {
    const scene = await openScene({ workspace: 100 })
    const never = async (): Promise<never> => Promise.reject(new Error('no start'))
    const wanted = { workspace: 'demo', principal: 'ada', bytes: 100, sha256: digestOf(0) }
    await expect(scene.quotas.startWithin(wanted, never)).rejects.toThrow('no start')
    const aborted = await scene.start(100)
    await scene.quotas.bring(aborted)
    await scene.quotas.free(aborted)
    await scene.quotas.free(aborted)
    const there = await scene.start(100)
    await scene.quotas.keep(there)
    const ended = await scene.start(100)
    await expect(scene.start(100)).rejects.toMatchObject(refused)
    scene.ends.set(ended, 1)
    const forgotten = await scene.start(100)
    scene.ends.delete(forgotten)
    expect(await scene.start(100)).toBeDefined()
  })

  it('[RU13] one file that two blocks get at once counts once', async () => {
    const scene = await openScene({ workspace: 100 })
    const sha256 = digestOf(7)
    const tasks = [await scene.start(40, { sha256 }), await scene.start(40, { sha256 })]
    for (const task of tasks) await scene.quotas.bring(task)
    for (const task of tasks) await scene.quotas.keep(task)
    expect(await scene.start(60)).toBeDefined()
    await expect(scene.start(1)).rejects.toMatchObject(refused)
  })

  it('[RU13] the counts stand after a kill, and an upload that was bringing its file then keeps it', async () => {
    const scene = await openScene({ workspace: 100 })
    const first = await scene.start(30)
    await scene.start(50)
    await scene.quotas.bring(first)
    await scene.restart()
    await expect(scene.start(21)).rejects.toMatchObject(refused)
    await scene.quotas.bring(first)
    await scene.quotas.keep(first)
    await scene.restart()
    await expect(scene.start(21)).rejects.toMatchObject({ details: { used: 80 } })
    expect(await scene.start(20)).toBeDefined()
  })

  it('[RU13] a purged workspace gives its bytes back, also one that was purged without a server', async () => {
    const scene = await openScene({ principal: 100 })
    for (const place of ['demo', 'gone', 'stays']) {
      const task = await scene.start(30, { place })
      await scene.quotas.bring(task)
      await scene.quotas.keep(task)
    }
    await expect(scene.start(40)).rejects.toMatchObject(refused)
    await scene.quotas.purge('demo')
    await scene.restart()
    expect(await scene.start(40)).toBeDefined()
    await expect(scene.start(1)).rejects.toMatchObject(refused)
    await scene.quotas.keepOnly(
      (async function* () {
        yield* ['stays', 'demo']
      })(),
    )
    await scene.restart()
    expect(await scene.start(30)).toBeDefined()
    await expect(scene.start(1)).rejects.toMatchObject(refused)
  })
})
