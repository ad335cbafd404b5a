import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { TIME_AHEAD_MS_MAX } from './clock.ts'
import type { EventStore } from './event-store.ts'
import { openMemoryStore } from './memory/memory-store.ts'
import type { LogObserver } from './observer.ts'
import { openLevelStore } from './store/level-store.ts'
import { makeTestClock, type TestClock } from './testing/test-clock.ts'

let directory: string | undefined
afterEach(async () => {
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
  directory = undefined
})

interface Told {
  readonly clock: TestClock
  readonly observer: LogObserver
}

const stores: [string, (told: Told) => Promise<EventStore>][] = [
  ['memory', async (told) => openMemoryStore(told)],
  [
    'disk',
    async (told) => {
      directory = await mkdtemp(join(tmpdir(), 'joinery-clock-'))
      return openLevelStore({ directory, durability: 'async', ...told })
    },
  ],
]

it.each(stores)('[L66] times never go back, and the observer hears when they run ahead: %s', async (_name, open) => {
  const clock = makeTestClock()
  const ahead: number[] = []
  const store = await open({ clock, observer: { clockBehind: (ms) => ahead.push(ms) } })
  const log = await store.open('w')
  const append = (): number =>
    log.append({ update: Uint8Array.of(0, 0), touched: [], actor: 'a', source: 'user_action', connection: 'c' }).at
  const first = append()
  clock.advance(-TIME_AHEAD_MS_MAX)
  expect(append()).toBe(first)
  expect(ahead).toEqual([])
  clock.advance(-3_600_000)
  expect(append()).toBe(first)
  expect(ahead).toEqual([3_600_000 + TIME_AHEAD_MS_MAX])
  clock.advance(3_700_000)
  expect(append()).toBeGreaterThan(first)
  expect(ahead).toHaveLength(1)
  await log.close()
  await store.close()
})
