import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

/** A task that ends when the test says so. */
function heldTask(started: number[], id: number) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const task = async (): Promise<number> => {
    started.push(id)
    await promise
    return id
  }
  return { task, end: resolve }
}

it('[S38] tasks run as many at once as there are turns, the others in the order in which they came', async () => {
  const turns = new Turns(2)
  const started: number[] = []
  const tasks = [1, 2, 3, 4].map((id) => heldTask(started, id))
  const results = tasks.map(({ task }) => turns.take(task))
  expect(started).toEqual([1, 2])
  tasks[1]?.end()
  await results[1]
  await expect.poll(() => started).toEqual([1, 2, 3])
  for (const { end } of tasks) end()
  expect(await Promise.all(results)).toEqual([1, 2, 3, 4])
})

it('[S38] a task that finds the queue full is refused, and a task that fails gives its turn on', async () => {
  const turns = new Turns(1, { waitingMax: 1, refuse: () => new Error('full') })
  const broken = turns.take(() => Promise.reject(new Error('broken')))
  const waiting = turns.take(async () => 'had its turn')
  await expect(turns.take(async () => 'never')).rejects.toThrow('full')
  await expect(broken).rejects.toThrow('broken')
  expect(await waiting).toBe('had its turn')
  expect(await turns.take(async () => 'again')).toBe('again')
})
