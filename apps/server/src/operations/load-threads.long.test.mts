import { Worker } from 'node:worker_threads'
import { type Lsn, openLevelStore } from '@joinery/log'
import { TrialCutShort, verifyOpenDirectory, verifyStore } from '@joinery/log/operations'
import { expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { compactStore } from './compact-store.mts'
import { openLoadThread, withLoadThread } from './load-threads.mts'
import { makeCostlyData } from './testing/costly-data.mts'
import { LOAD_MS_MAX, openLog, repairDemo } from './testing/trial-repair.mts'

const MIB = 1024 * 1024
const LIMITS = { loadMsMax: 30_000, trialHeapBytes: 512 * MIB }
const TIGHT = { ...LIMITS, loadMsMax: LOAD_MS_MAX }

/** Does the work, and tells the CPU time that this thread has spent on it, ms. */
async function costOf<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly cpuMs: number }> {
  const before = process.threadCpuUsage()
  const value = await work()
  const { user, system } = process.threadCpuUsage(before)
  return { value, cpuMs: (user + system) / 1_000 }
}

/** One update of a list whose items can't be joined. */
function listOf(items: number): Uint8Array {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let index = 0; index < items; index++) doc.getArray('list').unshift([index])
  })
  return Y.encodeStateAsUpdate(doc)
}

it('[A168] verify and repair of a poisoned workspace cost this thread less than one load, also where a snapshot is costly', async () => {
  const { directory, costlyLsn, head } = await makeCostlyData({ snapshots: [1, 4] })
  const store = await openLog(directory)
  const verified = await costOf(() =>
    withLoadThread({ limits: TIGHT }, (load) => verifyOpenDirectory(directory, store, { load })),
  )
  expect(verified.value.store?.workspaces[0]?.problems).toEqual([
    expect.objectContaining({ code: 'not_loadable', lsn: 4, message: expect.stringContaining('the snapshot at 4') }),
    expect.objectContaining({ code: 'not_loadable', lsn: costlyLsn }),
  ])
  const repaired = await costOf(() =>
    withLoadThread({ limits: TIGHT }, (load) => repairDemo(store, directory, { load })),
  )
  expect(repaired.value).toMatchObject({
    kept: { firstLsn: 1, head: costlyLsn - 1, snapshots: 1 },
    droppedBehind: head - costlyLsn + 1,
  })
  // Each takes several loads, of `LOAD_MS_MAX` of CPU each.
  expect(verified.cpuMs).toBeLessThan(LOAD_MS_MAX)
  expect(repaired.cpuMs).toBeLessThan(LOAD_MS_MAX)
})

it('[A168] a record that fills the heap ends its thread alone, and is named', async () => {
  const terms = { limits: LIMITS, heapBytes: 48 * MIB }
  const large = listOf(300_000)
  await withLoadThread(terms, async (begin) => {
    const load = begin()
    await load.add(listOf(10), 1 as Lsn)
    const rejected = (async () => {
      await load.add(large, 2 as Lsn)
      await load.finish()
    })()
    await expect(rejected).rejects.toMatchObject({
      ...{ name: 'LogError', code: 'not_loadable', lsn: 2 },
      message: expect.stringContaining('48 MiB of memory'),
    })
    // The next load has another thread.
    const next = begin()
    await next.add(listOf(10), 1 as Lsn)
    await next.finish()
  })
  // A thread that has no room for the program says nothing about the workspace.
  await withLoadThread({ ...terms, heapBytes: 8 * MIB }, async (begin) => {
    await expect(begin().finish()).rejects.toBeInstanceOf(TrialCutShort)
  })
})

it('[A169, L199] a thread that ends for another reason says nothing about the workspace: the operation fails, and nothing has changed', async () => {
  const { directory, head } = await makeCostlyData()
  const store = await openLog(directory)
  const { postMessage } = Worker.prototype
  let deaths = 0
  // Ends each thread with its second request.
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...given) {
    if ((given[0] as { type: string }).type === 'add') {
      deaths++
      void this.terminate()
    }
    return postMessage.apply(this, given)
  })
  try {
    const limits = TIGHT
    await expect(withLoadThread({ limits }, (load) => verifyStore(store, { load }))).rejects.toBeInstanceOf(
      TrialCutShort,
    )
    await expect(withLoadThread({ limits }, (load) => repairDemo(store, directory, { load }))).rejects.toBeInstanceOf(
      TrialCutShort,
    )
  } finally {
    vi.restoreAllMocks()
  }
  expect(deaths).toBe(2)
  const log = await store.open('demo')
  expect(log.head).toBe(head)
  await log.close()
})

it('[A168] a load that is begun ends the one before, and a thread ends with its work', async () => {
  const { begin, end } = openLoadThread({ limits: LIMITS })
  const first = begin()
  await first.add(listOf(1), 1 as Lsn)
  const second = begin()
  await second.add(listOf(1), 1 as Lsn)
  await second.finish()
  await expect(first.finish()).rejects.toThrow('another load has begun')
  await end()
  await expect(begin().finish()).rejects.toBeInstanceOf(TrialCutShort)
})

it('[L50] compaction relies on no snapshot that can not be loaded, and on the one before it', async () => {
  const directory = await temporaryDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('w')
  const state = listOf(3)
  const entry = { update: state, touched: [], actor: 'ada', source: 'user_action', connection: 'c1' }
  for (let record = 1; record <= 4; record++) {
    const { lsn } = log.append({ ...entry, update: record === 1 ? state : Uint8Array.of(0, 0) })
    if (record === 2) await log.snapshot({ lsn, state })
    if (record === 3) await log.snapshot({ lsn, state: Uint8Array.of(1, 2, 3) })
  }
  const withLog = async <T,>(_name: string, work: (opened: typeof log) => Promise<T>): Promise<T> => work(log)
  const choice = { keepHistory: { events: 1 }, workspace: 'w', limits: { ...LIMITS } as never }
  const [compaction] = await compactStore(store, withLog as never, choice, {})
  expect(compaction).toMatchObject({ workspace: 'w', dropped: 2, firstLsn: 3 })
  await log.close()
  await store.close()
})
