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

it('[S182] a task that gives its turn up lets those that wait have theirs, and goes on after them', async () => {
  const turns = new Turns(1, undefined, { all: 3 })
  const done: string[] = []
  const task = (name: string, parts: number): Promise<void> =>
    turns.take(async ({ giveUp }) => {
      for (let part = 1; part <= parts; part++) {
        done.push(`${name}${part}`)
        await giveUp()
      }
    })
  await Promise.all([task('a', 3), task('b', 1), task('c', 2)])
  expect(done).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
})

it('[S182] no more tasks begin than may be open, also while one has given its turn up', async () => {
  const turns = new Turns(1, undefined, { all: 2 })
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const begun: number[] = []
  const tasks = [1, 2, 3].map((id) =>
    turns.take(async (turn) => {
      begun.push(id)
      await turn.giveUp(gate)
      return turn.isWanted
    }),
  )
  await expect.poll(() => begun).toEqual([1, 2])
  open()
  expect(await Promise.all(tasks)).toEqual([true, false, false])
  expect(begun).toEqual([1, 2, 3])
})

it('[S182] a task that fails while it has given its turn up gives no turn on twice', async () => {
  const turns = new Turns(1, undefined, { all: 2 })
  const started: number[] = []
  const { promise: gate, reject } = Promise.withResolvers<void>()
  const failing = turns.take(({ giveUp }) => giveUp(gate))
  const [held, last] = [heldTask(started, 1), heldTask(started, 2)]
  const results = [turns.take(held.task), turns.take(last.task)]
  await expect.poll(() => started).toEqual([1])
  reject(new Error('broken'))
  held.end()
  last.end()
  await expect(failing).rejects.toThrow('broken')
  expect(await Promise.all(results)).toEqual([1, 2])
  expect(started).toEqual([1, 2])
})

it('[S182] a task that has waited too long for its first turn is refused, and holds no place', async () => {
  const bound = { waitingMax: 1, refuse: () => new Error('full'), wait: { ms: 1, refuse: () => new Error('late') } }
  const turns = new Turns(1, bound)
  const held = heldTask([], 1)
  const running = turns.take(held.task)
  await expect(turns.take(async () => 'never')).rejects.toThrow('late')
  await expect(turns.take(async () => 'never')).rejects.toThrow('late')
  held.end()
  expect(await running).toBe(1)
  expect(await turns.take(async () => 'again')).toBe('again')
})

it('[S182] one owner of many tasks leaves places and the next turn to others', async () => {
  const turns = new Turns(
    1,
    { waitingMax: 9, waitingPerOwnerMax: 2, refuse: () => new Error('full') },
    { all: 2, perOwner: 1 },
  )
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  const begun: string[] = []
  const task = (name: string, owner: string, gate: number): Promise<void> =>
    turns.take(async ({ giveUp }) => {
      begun.push(name)
      await giveUp(gates[gate]?.promise)
    }, owner)
  const all = [task('a1', 'a', 0), task('a2', 'a', 1), task('a3', 'a', 2), task('b1', 'b', 3), task('c1', 'c', 4)]
  await expect(task('a4', 'a', 0)).rejects.toThrow('full')
  // Of `a` only one may be open; `b` has the other place, though it came last but one.
  await expect.poll(() => begun).toEqual(['a1', 'b1'])
  gates[0]?.resolve()
  await all[0]
  await expect.poll(() => begun).toEqual(['a1', 'b1', 'a2'])
  gates[3]?.resolve()
  await all[3]
  await expect.poll(() => begun).toEqual(['a1', 'b1', 'a2', 'c1'])
  for (const { resolve } of gates) resolve()
  await Promise.all(all)
  expect(begun).toEqual(['a1', 'b1', 'a2', 'c1', 'a3'])
})
