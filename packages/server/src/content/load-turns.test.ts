import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { SERVER_LIMITS } from '../limits.ts'
import { LoadTurns } from './load-turns.ts'

/** Keeps the event loop busy for longer than a short turn. */
function work(): void {
  const sinceMs = performance.now()
  while (performance.now() - sinceMs < 5);
}

it('[S352] others have time after each turn of long work while they have work: their timers run before it goes on', async () => {
  const turns = new LoadTurns(SERVER_LIMITS, () => true)
  await turns.pause()
  const order: string[] = []
  const others = [1, 2, 3].map(
    (ms) => new Promise<void>((resolve) => setTimeout(() => resolve(void order.push('other')), ms)),
  )
  work()
  await turns.pause()
  order.push('long work')
  await Promise.all(others)
  expect(order).toEqual(['other', 'other', 'other', 'long work'])
})

it('[S352] tasks that wait together go on one after the other, each in a later turn', async () => {
  const turns = new LoadTurns(SERVER_LIMITS, () => true)
  const order: number[] = []
  const tasks = Array.from({ length: 6 }, async (_, task) => {
    for (let part = 0; part < 3; part++) {
      await turns.pause()
      order.push(task)
      work()
    }
  })
  await Promise.all(tasks)
  expect(order).toEqual([0, 1, 2].flatMap(() => [0, 1, 2, 3, 4, 5]))
})

it('[S162] all who ask in one turn of the event loop have the time of one turn together', async () => {
  const turns = new LoadTurns(SERVER_LIMITS)
  let looks = 0
  const busy = function* () {
    while (!turns.pace.isOver) looks++
    yield
  }
  const ask = (): number => {
    looks = 0
    expect(turns.part(busy())).toBeUndefined()
    return looks
  }
  expect(ask()).toBeGreaterThan(0)
  for (let asker = 0; asker < 20; asker++) expect(ask()).toBe(0)
  await nextTurn()
  expect(ask()).toBeGreaterThan(0)
})
