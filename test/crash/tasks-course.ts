import { type EventStore, openLevelStore } from '@joinery/log'
import type { SagaShape } from '@joinery/protocol'
import { openTasks } from '@joinery/tasks'
import { PlainDocuments } from '@joinery/tasks/testing'
import { expect } from 'vitest'
import { WAIT_MS } from '../support/patience.ts'
import { expectPairs } from './task-pairs.ts'

/** A promise of the tasks. It is told once it is acknowledged, never before. */
export type TaskPromise = { readonly started: string } | { readonly ended: string } | { readonly failed: string }

/** Tasks of one course. The second one fails at its last step, and is taken back. */
const KEYS = ['one', 'two', 'three']
const saga: SagaShape = {
  ...{ name: 'saga', version: 1, digest: 'd' },
  steps: ['first', 'second', 'third'].map((name) => ({
    name,
    kind: 'step',
    hasUndo: true,
    retry: { attempts: 99, firstMs: 1, maxMs: 5 },
  })),
}
const LEASE_MS = 150
const never = new AbortController().signal

/** Starts the tasks that are not there, and does all their work, until every one has ended. Returns how they ended. */
export async function runTasks(store: EventStore, tell: (promise: TaskPromise) => void): Promise<Map<string, string>> {
  const documents = new PlainDocuments(store)
  const quiet = (): void => undefined
  const tasks = await openTasks({
    ...{ openSystemLog: (name) => store.open(name), atomically: (work) => store.atomically(work), copy: store.copy },
    ...{ documents, logger: { info: quiet, warn: quiet, error: quiet }, limits: { leaseMs: LEASE_MS } },
  })
  const ask = { worker: `w${process.pid}`, serves: [saga], max: 4, waitMs: 1_000 }
  await tasks.lease({ ...ask, waitMs: 0 }, () => false, never)
  for (const key of KEYS) {
    const by = { actor: 'ada', source: 'user_action' }
    await tasks.start('w', { saga: 'saga', input: key, key, by, subject: { block: 'b', name: key } })
    tell({ started: key })
  }
  const open = async () => (await tasks.list('w', { limit: 9 })).tasks.filter(({ endedAt }) => endedAt === undefined)
  // The image of a disk stands in another directory, which is another copy of the data: its tasks wait for this.
  await tasks.resume('w', { actor: 'ada', source: 'operator' })
  const deadlineMs = performance.now() + WAIT_MS
  while ((await open()).length > 0) {
    if (performance.now() > deadlineMs) throw new Error(`tasks do not end: ${JSON.stringify(await open())}`)
    for (const { token, kind, key, step, input } of await tasks.lease(ask, () => true, never)) {
      const fails = kind === 'run' && step === 'third' && input === 'two'
      if (fails) await tasks.failed(token, { error: 'no', class: 'permanent' })
      else await tasks.done(token, { result: key, operations: [{ kind, key }] })
      tell(fails ? { failed: key } : { ended: `${kind} ${key}` })
    }
  }
  const states = (await tasks.list('w', { limit: 9 })).tasks.map(({ input, state }) => [String(input), state] as const)
  await tasks.close()
  return new Map(states)
}

/**
 * Fails unless everything promised is in the directory, each edit with its event, and the tasks then go on to their ends: each step
 * made once in effect, and taken back once where its task was.
 */
export async function expectTasksKept(directory: string, promises: readonly TaskPromise[]): Promise<void> {
  const before = await expectPairs(directory)
  const effects = new Set(before.effects)
  for (const promise of promises) {
    if ('started' in promise) expect(before.keys, 'a start that was answered').toContain(promise.started)
    else if ('ended' in promise) expect(effects, 'a step that was answered').toContain(promise.ended)
  }
  const store = await openLevelStore({ directory, durability: 'sync' })
  try {
    const ends = await runTasks(store, () => undefined)
    expect(Object.fromEntries(ends)).toEqual({ one: 'done', two: 'compensated', three: 'done' })
  } finally {
    await store.close()
  }
  const after = await expectPairs(directory)
  const count = (kind: string): number => after.effects.filter((effect) => effect.startsWith(`${kind} `)).length
  // Eight steps are done, and the two of the task that failed at its third are taken back; its third may have to be, too.
  expect(count('run')).toBe(8)
  expect([2, 3]).toContain(count('undo'))
}
