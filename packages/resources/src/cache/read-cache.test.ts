import { expect, it } from 'vitest'
import { type Freshness, ReadCache, type ReadOptions } from './read-cache.ts'

const freshness: Freshness = { ttlMs: 1_000, staleMs: 500, staleIfErrorMs: 5_000, negativeMs: 200 }

/** A cache whose clock a test moves, and a service whose answers it gives. */
function scene(limits?: { entriesMax: number; bytesMax: number }) {
  let nowMs = 0
  const calls: (PromiseWithResolvers<string | undefined> & { readonly signal: AbortSignal })[] = []
  const cache = new ReadCache<string>({ nowMs: () => nowMs, random: () => 0.5, ...(limits && { limits }) })
  const read = (key: string, more: Partial<ReadOptions<string>> = {}) =>
    cache.read({
      ...{ key, tag: 'tag', freshness, signal: new AbortController().signal },
      load: (signal) => {
        const call = { ...Promise.withResolvers<string | undefined>(), signal }
        calls.push(call)
        return call.promise
      },
      ...more,
    })
  const pass = (ms: number): void => {
    nowMs += ms
  }
  /** Reads while the service answers at once. */
  const answered = async (key: string, value: string | undefined, more: Partial<ReadOptions<string>> = {}) =>
    read(key, { load: async () => value, ...more })
  return { cache, calls, read, answered, pass }
}

it('[RS43] an answer is given again while it is new, then at once while the service is asked behind it, then never', async () => {
  const { calls, read, answered, pass } = scene()
  expect(await answered('a', 'one')).toEqual({ value: 'one', ageMs: 0, outcome: 'miss' })
  pass(999)
  expect(await read('a')).toEqual({ value: 'one', ageMs: 999, outcome: 'hit' })
  pass(1)
  expect(await read('a')).toEqual({ value: 'one', ageMs: 1_000, outcome: 'stale' })
  expect(await read('a')).toMatchObject({ value: 'one', outcome: 'stale' })
  expect(calls).toHaveLength(1)
  calls[0]?.resolve('two')
  await new Promise(setImmediate)
  expect(await read('a')).toMatchObject({ value: 'two', outcome: 'hit' })
  pass(1_500)
  expect(await answered('a', 'three')).toMatchObject({ value: 'three', outcome: 'miss' })
})

it('[RS43] many who look at once make one call, and one of them may leave alone', async () => {
  const { cache, calls, read } = scene()
  const leaver = new AbortController()
  const [first, second] = [read('a'), read('a', { signal: leaver.signal })]
  leaver.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  expect(calls[0]?.signal.aborted).toBe(false)
  calls[0]?.resolve('one')
  expect(await first).toMatchObject({ value: 'one', outcome: 'miss' })
  expect(calls).toHaveLength(1)
  expect([...cache.counts]).toEqual([
    ['failed', 1],
    ['miss', 1],
  ])
})

it('[RS43] a call ends when the last who waits has left', async () => {
  const { calls, read } = scene()
  const leavers = [new AbortController(), new AbortController()]
  const waits = leavers.map(({ signal }) => read('a', { signal }))
  for (const leaver of leavers) leaver.abort(new Error('gone'))
  await Promise.allSettled(waits)
  expect(calls[0]?.signal.aborted).toBe(true)
  // It has not ended yet: who looks now waits for a call of one's own.
  const next = read('a')
  calls[0]?.reject(new Error('the call was ended'))
  calls[1]?.resolve('one')
  expect(await next).toMatchObject({ value: 'one', outcome: 'miss' })
})

it('[RS43] an old answer stands in for a service that fails, which is not asked again at once', async () => {
  const { read, answered, pass } = scene()
  await answered('a', 'one')
  pass(2_000)
  let calls = 0
  const load = async () => {
    calls += 1
    throw new Error('away')
  }
  expect(await read('a', { load })).toEqual({ value: 'one', ageMs: 2_000, outcome: 'stale_error' })
  pass(999)
  expect(await read('a', { load })).toMatchObject({ outcome: 'stale_error' })
  expect(calls).toBe(1)
  pass(1)
  await read('a', { load })
  expect(calls).toBe(2)
  pass(4_000)
  await expect(read('a', { load })).rejects.toThrow('away')
  await expect(read('b', { load })).rejects.toThrow('away')
})

it('[RS43] that there is none counts for a shorter time, and is never told once it is old', async () => {
  const { answered, pass } = scene()
  expect(await answered('a', undefined)).toMatchObject({ value: undefined, outcome: 'miss' })
  expect(await answered('a', 'one')).toMatchObject({ value: undefined, outcome: 'negative' })
  pass(200)
  expect(await answered('a', 'one')).toMatchObject({ value: 'one', outcome: 'miss' })
})

it('[RS43] news drop what is known, and an answer that was asked for before them is given to those who wait and not kept', async () => {
  const { cache, calls, read, answered } = scene()
  await answered('a', 'old')
  await answered('other', 'stays', { tag: 'another' })
  const early = read('b')
  cache.drop('tag')
  const late = read('b')
  calls[0]?.resolve('before')
  calls[1]?.resolve('after')
  expect(await early).toMatchObject({ value: 'before' })
  expect(await late).toMatchObject({ value: 'after', outcome: 'miss' })
  expect(await read('b')).toMatchObject({ value: 'after', outcome: 'hit' })
  expect(await answered('a', 'new')).toMatchObject({ value: 'new', outcome: 'miss' })
  expect(await answered('other', '', { tag: 'another' })).toMatchObject({ value: 'stays', outcome: 'hit' })
})

it('[RS43] the least recently used go first, by number and by bytes, and nothing is left of what is dropped', async () => {
  const few = scene({ entriesMax: 2, bytesMax: 1_000_000 })
  for (const key of ['a', 'b']) await few.answered(key, key)
  await few.read('a')
  await few.answered('c', 'c')
  expect(await few.answered('a', 'anew')).toMatchObject({ value: 'a', outcome: 'hit' })
  expect(await few.answered('b', 'anew')).toMatchObject({ outcome: 'miss' })
  const small = scene({ entriesMax: 100, bytesMax: 1_000 })
  await small.answered('a', 'x'.repeat(500))
  await small.answered('b', 'x'.repeat(500))
  expect(small.cache.entries).toBe(1)
  expect(small.cache.bytes).toBeLessThanOrEqual(1_000)
  await small.answered('c', 'x'.repeat(5_000))
  expect(await small.answered('b', 'anew')).toMatchObject({ outcome: 'hit' })
  small.cache.drop('tag')
  expect([small.cache.entries, small.cache.bytes]).toEqual([0, 0])
})

it('[RS43] entries of one moment become old at different ones', async () => {
  let nowMs = 0
  let turn = 0
  const cache = new ReadCache<string>({ nowMs: () => nowMs, random: () => (turn++ === 0 ? 0 : 1) })
  const options = { tag: 't', freshness: { ...freshness, staleMs: 0 }, signal: new AbortController().signal }
  for (const key of ['early', 'late']) await cache.read({ ...options, key, load: async () => key })
  nowMs = 1_000
  const load = async (): Promise<string> => 'anew'
  expect((await cache.read({ ...options, key: 'early', load })).value).toBe('anew')
  expect((await cache.read({ ...options, key: 'late', load })).value).toBe('late')
})
