import { afterEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { offlineLists } from '../../testing/offline-lists.ts'
import { TrialThread } from './trial-thread.ts'
import { type TrialLimits, Trials } from './trials.ts'

let trials: Trials
afterEach(() => trials.close())

const LIMITS: TrialLimits = {
  trialsMax: 1,
  trialsWaitingMax: 2,
  trialWaitMs: 600_000,
  trialHeapBytes: 256 * 1024 * 1024,
}
const open = (limits: Partial<TrialLimits> = {}): Trials => {
  trials = new Trials({ ...LIMITS, ...limits })
  return trials
}
const FOREVER = 600_000
const text = (length: number): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText().insert(0, 'x'.repeat(length))
  return Y.encodeStateAsUpdate(doc)
}

it('[S240] a trial says what an update costs on a copy of the document', async () => {
  const [first, second] = offlineLists(300) as [Uint8Array, Uint8Array]
  const tried = await open().run('ada', async (document) => {
    await document.load([first], FOREVER)
    const answer = await document.try(second, FOREVER)
    return { ...answer, reload: await document.reload(FOREVER) }
  })
  expect(tried).toMatchObject({ structs: 300, cpuMs: expect.any(Number), reload: { cpuMs: expect.any(Number) } })
  const again = new Y.Doc()
  for (const part of [first, ...(tried.parts ?? [])]) Y.applyUpdate(again, part)
  expect(again.getArray('list').length).toBe(600)
  expect(tried.unitMs).toBeLessThanOrEqual(tried.cpuMs)
})

it('[S240] a trial that takes too long ends, and the next one has a thread of its own', async () => {
  const [first, second] = offlineLists(8_000) as [Uint8Array, Uint8Array]
  const trying = open().run('ada', async (document) => {
    await document.load([first], FOREVER)
    return document.load([second], 200)
  })
  await expect(trying).rejects.toMatchObject({ code: 'too_long', message: 'it takes more than 200 ms' })
  await trials.run('ada', (document) => document.load([text(10)], FOREVER))
  expect(trials.threadCount).toBe(1)
})

it('[S240] a trial that takes too much memory ends alone', async () => {
  const doc = new Y.Doc()
  const map = doc.getMap('m')
  doc.transact(() => {
    for (let key = 0; key < 100_000; key++) map.set(`${key}`, [key])
  })
  const trying = open({ trialHeapBytes: 16 * 1024 * 1024 }).run('ada', (document) =>
    document.load([Y.encodeStateAsUpdate(doc)], FOREVER),
  )
  await expect(trying).rejects.toMatchObject({
    code: 'out_of_memory',
    message: 'it takes more than 16 MiB of memory (trialHeapBytes)',
  })
  await trials.run('ada', (document) => document.load([text(10)], FOREVER))
})

it('[S240] bytes that Yjs can not read are no reason to end the thread', async () => {
  open()
  const reading = trials.run('ada', (document) => document.load([Uint8Array.of(1, 1, 7)], FOREVER))
  await expect(reading).rejects.toMatchObject({ code: 'unreadable' })
  await trials.run('bob', (document) => document.load([text(10)], FOREVER))
  expect(trials.threadCount).toBe(1)
})

it('[S241] a principal waits for its own trials, one waits for a turn, and what is over is refused', async () => {
  const begun = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const order: string[] = []
  const run = (principal: string) => open1.run(principal, async () => void order.push(principal))
  const open1 = open({ trialsWaitingMax: 1 })
  const first = open1.run('ada', async () => {
    begun.resolve()
    await done.promise
  })
  await begun.promise
  const own = [run('ada'), run('ada')]
  const others = run('bob')
  await Promise.resolve()
  await expect(run('eve')).rejects.toMatchObject({ code: 'busy' })
  done.resolve()
  await Promise.all([first, others, ...own])
  expect(order).toEqual(['bob', 'ada', 'ada'])
})

it('[S240] a thread that ends for another reason ends its trial alone, and what waits for it has another thread', async () => {
  const thread = new TrialThread(LIMITS.trialHeapBytes)
  await thread.ask({ type: 'begin' }, FOREVER)
  const [first, second] = offlineLists(4_000) as [Uint8Array, Uint8Array]
  await thread.ask({ type: 'load', updates: [first] }, FOREVER)
  const asked = thread.ask({ type: 'try', update: second, isWhole: true }, FOREVER)
  await Promise.all([expect(asked).rejects.toMatchObject({ code: 'died' }), thread.end()])
  expect(thread.isAlive).toBe(false)
  await expect(thread.ask({ type: 'begin' }, FOREVER)).rejects.toMatchObject({ code: 'died' })
  const next = await open().run('ada', (document) => document.try(text(10), FOREVER))
  expect(next.structs).toBe(1)
})
