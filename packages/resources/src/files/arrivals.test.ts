import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Arrivals, type Arrived } from './arrivals.ts'
import { FileError } from './file-error.ts'
import type { Part } from './file-store.ts'

const UPLOAD = { scope: 'a'.repeat(32), key: 'k', id: 'u' }
const TASK = { id: 't', workspace: 'w', input: { block: 'b', name: 'f', bytes: 100, partBytes: 10 } }
const part = (n: number, bytes = 10): Part => ({ n, bytes, etag: 'e' })

let there: Part[]
let looks: number
let shown: number[]
let failure: unknown
let stands: boolean
let errors: unknown[]
let arrivals: Arrivals

beforeEach(() => {
  vi.useFakeTimers()
  ;[there, looks, shown, failure, stands, errors] = [[], 0, [], undefined, true, []]
  arrivals = new Arrivals({
    store: {
      parts: async () => {
        looks++
        if (failure !== undefined) throw failure
        return there
      },
    },
    show: async (_workspace, { arrived }: Arrived) => {
      if (stands) shown.push(arrived)
      return stands
    },
    ...{ progressMs: 5_000, ticketMs: 900_000 },
    onError: (error) => errors.push(error),
  })
})
afterEach(() => {
  arrivals.close()
  vi.useRealTimers()
})

it('[RU17] tenths are told as they arrive, and less once nothing more comes', async () => {
  arrivals.expect(TASK as never, UPLOAD)
  there = [part(1), part(2, 9)]
  await vi.advanceTimersByTimeAsync(5_000)
  expect(shown).toEqual([10])
  there = [part(1), part(2), part(3)]
  await vi.advanceTimersByTimeAsync(5_000)
  arrivals.expect(TASK as never, UPLOAD)
  await vi.advanceTimersByTimeAsync(5_000)
  expect([shown, looks]).toEqual([[10, 30], 3])
  there = Array.from({ length: 10 }, (_, n) => part(n + 1))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(shown).toEqual([10, 30, 100])
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect([looks, vi.getTimerCount()]).toEqual([4, 0])
})

it('[RU17] a store is asked less and less often, and not any more once no part can come', async () => {
  arrivals.expect(TASK as never, UPLOAD)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(looks).toBeLessThanOrEqual(10)
  expect(vi.getTimerCount()).toBe(0)
  const before = looks
  arrivals.expect(TASK as never, UPLOAD)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(looks).toBe(before + 1)
})

it('[RU17] somebody who goes on is told of at once, although nothing had come for long', async () => {
  arrivals.expect(TASK as never, UPLOAD)
  await vi.advanceTimersByTimeAsync(300_000)
  const before = looks
  arrivals.expect(TASK as never, UPLOAD)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(looks).toBe(before + 1)
})

it('[RU17] a store that is away is asked later, an upload that has ended never again, and other errors are told', async () => {
  failure = new FileError('store_unavailable', 'away')
  arrivals.expect(TASK as never, UPLOAD)
  await vi.advanceTimersByTimeAsync(5_000)
  failure = undefined
  there = [part(1)]
  await vi.advanceTimersByTimeAsync(30_000)
  expect(shown).toEqual([10])
  for (const [error, told] of [
    [new FileError('unknown_upload', 'gone'), []],
    [new Error('broken'), [new Error('broken')]],
  ] as const) {
    failure = error
    await vi.advanceTimersByTimeAsync(900_000)
    expect([errors, vi.getTimerCount()]).toEqual([told, 0])
    arrivals.expect(TASK as never, UPLOAD)
  }
})

it('[RU17] an upload that its block does not show is looked at no more', async () => {
  stands = false
  there = [part(1)]
  arrivals.expect(TASK as never, UPLOAD)
  await vi.advanceTimersByTimeAsync(60_000)
  expect([looks, vi.getTimerCount()]).toEqual([1, 0])
})
