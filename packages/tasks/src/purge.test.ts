import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventStore, openLevelStore, openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { ADA, sagaOf, TaskScene, W } from './testing/task-scene.ts'

const SECRET = 'a word that must be gone'
const saga = sagaOf(['one'])
const subject = { block: 'b', name: 'n' }

async function bytesIn(directory: string): Promise<Buffer> {
  const files = (await readdir(directory)).filter((name) => /\.(ldb|log)$/.test(name))
  return Buffer.concat(await Promise.all(files.map((name) => readFile(join(directory, name)))))
}

/** The records of the server's own journal. */
async function inputsOf(store: EventStore): Promise<string> {
  const log = await store.open('!work')
  const records = await Array.fromAsync(log.read())
  await log.close()
  return Buffer.concat(records.map(({ update }) => update)).toString()
}

it('[J92] a purge beside a repair of the server’s own journal removes the workspace once the repair is over', async () => {
  const store = openMemoryStore()
  const scene = await TaskScene.open({ store })
  scene.engine.ask(W, undefined as never, { saga: 'saga', input: SECRET, key: 'k', by: ADA, subject })
  const forgotten = await scene.engine.whileClosed('!work', async () => {
    await scene.engine.willForget(W)
    return { done: scene.engine.forget(W) }
  })
  await forgotten.done
  await scene.stop()
  expect(await inputsOf(store)).not.toContain(SECRET)
  await store.close()
})

it('[J92] a server that ended between a purge and its end forgets the workspace at its next start', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-purge-'))
  try {
    const store = await openLevelStore({ directory, durability: 'async' })
    let fate: 'there' | 'deleted' | 'gone' = 'deleted'
    const scene = await TaskScene.open({ store, clock: new HandClock(), fateOf: async () => fate })
    await scene.begin(saga, {}, 'other')
    scene.engine.ask(W, undefined as never, { saga: 'saga', input: SECRET, key: 'k', by: ADA, subject })
    await expect.poll(async () => (await scene.engine.list(W, { limit: 9 })).tasks.length).toBe(1)
    const log = await store.open(W)
    await log.create()
    await log.close()
    // The purge has not begun: its deletion may still be taken back.
    await scene.engine.willForget(W)
    await scene.restart()
    expect((await scene.engine.list(W, { limit: 9 })).tasks).toHaveLength(1)
    await scene.engine.willForget(W)
    await scene.stop()
    await store.tombstone(W)
    await store.purge(W)
    expect(await inputsOf(store)).toContain(SECRET)
    fate = 'gone'
    await scene.start()
    expect((await bytesIn(directory)).includes(SECRET)).toBe(false)
    expect((await scene.engine.list(W, { limit: 9 })).tasks).toEqual([])
    expect(await scene.work([saga], { max: 9 })).toMatchObject([{ workspace: 'other' }])
    await scene.close()
  } finally {
    await rm(directory, { recursive: true })
  }
})
