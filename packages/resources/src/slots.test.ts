import { expect, it } from 'vitest'
import { DELIVERIES } from './outbox/outbox.ts'
import { Slots } from './slots.ts'

/** Work that goes on until somebody ends it. */
function held() {
  const running: string[] = []
  const ends: (() => void)[] = []
  const work = (name: string) => () => {
    running.push(name)
    return new Promise<void>((resolve) => ends.push(resolve))
  }
  return { running, ends, work }
}

it('[RS34] an endpoint has some of the turns, one that fails has one, and the others go on', async () => {
  const failing = new Set(['dead'])
  const slots = new Slots(DELIVERIES, (name) => failing.has(name))
  const { running, ends, work } = held()
  const { signal } = new AbortController()
  const all = ['dead', 'dead', 'dead', ...Array<string>(DELIVERIES.each + 1).fill('good')].map((name) => {
    return slots.take(name, signal, work(name))
  })
  expect(running).toEqual(['dead', ...Array<string>(DELIVERIES.each).fill('good')])
  // Once the endpoint works again it has as many as any other.
  failing.clear()
  ends.shift()?.()
  await all[0]
  await new Promise(setImmediate)
  expect(running.slice(DELIVERIES.each + 1)).toEqual(['dead', 'dead'])
  const gone = new AbortController()
  const late = slots.take('good', gone.signal, work('late'))
  gone.abort(new Error('the workspace is closed'))
  await expect(late).rejects.toThrow('the workspace is closed')
  while (running.length > 0 && ends.length > 0) {
    ends.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(all)
  expect(running).not.toContain('late')
})
