import { expect, it } from 'vitest'
import { greet, start } from './testing/greeting.ts'
import { startWorkServer, whatOf } from './testing/work-server.ts'
import { startWorker, type WorkerEvent } from './worker.ts'

const ofLease = (what: string) => (heard: Parameters<typeof whatOf>[0]) => whatOf(heard) === what

it('[N4] an attempt goes to the definition of its version, else to the one that accepts it', async () => {
  await using server = await startWorkServer()
  const of = (version: number, accepts: number[]) => greet({ run: () => `by ${version}` }, { version, accepts })
  start(server, { sagas: [of(1, []), of(4, [2, 3])] })
  expect((await server.give({ version: 1 })).body).toEqual({ result: 'by 1' })
  expect((await server.give({ version: 3 })).body).toEqual({ result: 'by 4' })
  expect((await server.give({ version: 5 })).body).toEqual({
    error: 'this worker does not serve greet@5: it serves greet@1, greet@4',
    class: 'permanent',
  })
  expect((await server.give({ version: 4, step: 'two' })).body).toMatchObject({ class: 'permanent' })
})

it('[N11] a worker runs as many attempts at once as it has room for, and takes the next when one has ended', async () => {
  await using server = await startWorkServer()
  const gates: (() => void)[] = []
  const run = () => new Promise((resolve) => gates.push(() => resolve(null)))
  const worker = start(server, { sagas: [greet({ run })], concurrency: 2 })
  const ends = Array.from({ length: 5 }, () => server.give())
  await expect.poll(() => gates.length).toBe(2)
  expect(worker.running).toBe(2)
  gates[0]?.()
  await ends[0]
  await expect.poll(() => gates.length).toBe(3)
  expect(worker.running).toBe(2)
  for (let n = 1; n < 5; n++) {
    await expect.poll(() => gates.length).toBeGreaterThan(n)
    gates[n]?.()
    await ends[n]
  }
  expect(server.heard.filter(ofLease('leases')).every(({ body }) => Number(body.max) <= 2)).toBe(true)
})

it('[N12] the end of an attempt is told until the server has answered, over lost answers and a server that is busy', async () => {
  await using server = await startWorkServer()
  let tells = 0
  server.instead = (heard) => {
    if (whatOf(heard) !== 'done') return undefined
    tells++
    return tells === 1 ? 'lost' : tells === 2 ? { status: 503, body: { error: { code: 'unavailable' } } } : undefined
  }
  const ended = Promise.withResolvers<WorkerEvent>()
  start(server, { sagas: [greet({})], onEvent: (event) => event.type === 'ended' && ended.resolve(event) })
  void server.give()
  expect(await ended.promise).toMatchObject({ end: 'done' })
  expect(tells).toBe(3)
})

it('[N21] a poll names this run and what it holds: what a lost answer gave is not among it, and what runs is not begun again', async () => {
  await using server = await startWorkServer()
  const polls = () => server.heard.filter((heard) => whatOf(heard) === 'leases')
  const running = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  let runs = 0
  const run = async () => {
    runs++
    running.resolve()
    await over.promise
  }
  start(server, { sagas: [greet({ run })], concurrency: 3 })
  const done = server.give()
  await running.promise
  await server.wait((heard) => whatOf(heard) === 'leases' && (heard.body.holds as string[]).includes('w1.lease-1'))
  // The same lease once more, as a late answer gives it.
  void server.give({ token: 'w1.lease-1' })
  const second = server.give()
  over.resolve()
  await Promise.all([done, second])
  expect(runs).toBe(2)
  await server.wait((heard) => whatOf(heard) === 'leases' && (heard.body.holds as string[]).length === 0 && runs === 2)
  expect(new Set(polls().map(({ body }) => body.instance)).size).toBe(1)
})

it.each(['lease_lost', 'already_done'])('[N12] an end that is answered with %s is told once', async (code) => {
  await using server = await startWorkServer()
  server.instead = (heard) =>
    whatOf(heard) === 'done' ? { status: 409, body: { error: { code, message: 'late' } } } : undefined
  const ended = Promise.withResolvers<WorkerEvent>()
  start(server, { sagas: [greet({})], onEvent: (event) => event.type === 'ended' && ended.resolve(event) })
  void server.give()
  expect(await ended.promise).toMatchObject({ end: 'lost', reason: 'late' })
  expect(server.heard.map(whatOf).filter((what) => what !== 'leases')).toEqual(['done'])
})

it('[N13] a result that the server refuses fails the attempt for good, with its words', async () => {
  await using server = await startWorkServer()
  const body = { error: { code: 'version_conflict', message: 'operation 0: the block is at version 7' } }
  server.instead = (heard) => (whatOf(heard) === 'done' ? { status: 409, body } : undefined)
  start(server, { sagas: [greet({})] })
  void server.give()
  expect((await server.wait(ofLease('failed'))).body).toEqual({ error: body.error.message, class: 'permanent' })
})

const untilAborted = ({ signal }: { signal: AbortSignal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

it('[N15] an attempt is ended when the server says cancel, and is unsure then', async () => {
  await using server = await startWorkServer()
  server.instead = (heard) => (whatOf(heard) === 'beat' ? { status: 200, body: { answer: 'cancel' } } : undefined)
  start(server, { sagas: [greet({ run: untilAborted })] })
  expect((await server.give({ leaseMs: 60 })).body).toEqual({ error: 'the task is canceled', class: 'unsure' })
})

it('[N15] a result that comes within the grace of a cancel counts, and a permanent failure keeps its class', async () => {
  await using server = await startWorkServer()
  server.instead = (heard) => (whatOf(heard) === 'beat' ? { status: 200, body: { answer: 'cancel' } } : undefined)
  const run = async (context: { signal: AbortSignal; input: unknown }) => {
    await untilAborted(context).catch(() => undefined)
    if (context.input === 'fail') throw Object.assign(new Error('never'), { class: 'permanent' })
    return 'all the same'
  }
  start(server, { sagas: [greet({ run })] })
  expect((await server.give({ leaseMs: 60 })).body).toEqual({ result: 'all the same' })
  expect((await server.give({ leaseMs: 60, input: 'fail' })).body).toEqual({ error: 'never', class: 'permanent' })
})

it('[N15] an attempt is ended when its time is over, also if its code does not listen', async () => {
  await using server = await startWorkServer()
  start(server, {
    sagas: [greet({ run: (context) => (context.input ? untilAborted(context) : new Promise(() => undefined)) })],
  })
  const late = { timeoutMs: 20, cancelGraceMs: 20 }
  const unsure = { error: 'the attempt took longer than 20 ms', class: 'unsure' }
  expect((await server.give({ ...late, input: 'listens' })).body).toEqual(unsure)
  expect((await server.give(late)).body).toEqual(unsure)
})

it('[N15] an attempt whose lease is lost is ended, and tells nothing', async () => {
  await using server = await startWorkServer()
  server.instead = (heard) =>
    whatOf(heard) === 'beat' ? { status: 409, body: { error: { code: 'lease_lost' } } } : undefined
  const ended = Promise.withResolvers<WorkerEvent>()
  const reasons: unknown[] = []
  const run = (context: { signal: AbortSignal }) =>
    untilAborted(context).catch((error) => void reasons.push(error.code))
  start(server, { sagas: [greet({ run })], onEvent: (event) => event.type === 'ended' && ended.resolve(event) })
  void server.give({ leaseMs: 60 })
  expect(await ended.promise).toMatchObject({ end: 'lost' })
  expect(reasons).toEqual(['lease_lost'])
  expect(server.heard.some((heard) => ['done', 'failed'].includes(whatOf(heard)))).toBe(false)
})

it('[N16] a worker that is stopped lets attempts end for a while, and gives back the rest', async () => {
  await using server = await startWorkServer()
  const began: unknown[] = []
  let finish = (): void => undefined
  const run = (context: { input: unknown; signal: AbortSignal }) => {
    began.push(context.input)
    return context.input === 'short'
      ? new Promise((resolve) => (finish = () => resolve('whole')))
      : untilAborted(context)
  }
  const worker = start(server, { sagas: [greet({ run })], drainMs: 1_000 })
  const short = server.give({ input: 'short' })
  const long = server.give({ input: 'long' })
  await expect.poll(() => began.length).toBe(2)
  const stopped = worker.stop()
  finish()
  expect((await short).body).toEqual({ result: 'whole' })
  expect((await long).path).toMatch(/\/release$/)
  await stopped
  await worker.ended
  expect(server.heard.filter(ofLease('leases')).at(-1)?.body).toMatchObject({ stops: true, waitMs: 0 })
  const polls = server.heard.filter(ofLease('leases')).length
  void server.give()
  expect(server.heard.filter(ofLease('leases'))).toHaveLength(polls)
})

it('[N17] a worker asks again while its server is away', async () => {
  const gone = await startWorkServer()
  await gone[Symbol.asyncDispose]()
  await using server = await startWorkServer()
  server.instead = () => (server.heard.length < 3 ? { status: 502, body: '<html>' } : undefined)
  const events: string[] = []
  start(server, { sagas: [greet({})], onEvent: ({ type }) => events.push(type) })
  const away = start(gone, { sagas: [greet({})], onEvent: ({ type }) => events.push(`away ${type}`) })
  expect((await server.give()).body).toEqual({ result: null })
  await expect.poll(() => events).toEqual(expect.arrayContaining(['disconnected', 'connected', 'away disconnected']))
  await away.stop()
})

it.each([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'not_found'],
  [422, 'invalid'],
])('[N17] a worker ends with the words of a server that answers %i', async (status, code) => {
  await using server = await startWorkServer()
  server.instead = () => ({ status, body: { error: { code, message: 'the server says no' } } })
  const worker = start(server, { sagas: [greet({})], token: 't' })
  await expect(worker.ended).rejects.toMatchObject({
    code: 'request_refused',
    refusal: code,
    message: 'the server says no',
  })
})

it.each<[string, object]>([
  ['url', { url: 'ftp://x' }],
  ['url', { url: 'localhost:1234' }],
  ['url', { url: 'http://x/?a=1' }],
  ['concurrency', { concurrency: 0 }],
  ['concurrency', { concurrency: 101 }],
  ['drainMs', { drainMs: -1 }],
  ['loopStallMs', { loopStallMs: 1.5 }],
  ['name', { name: '' }],
])('[N17] startWorker throws for a bad %s', (name, options) => {
  const begin = () => startWorker({ url: 'http://127.0.0.1:1', sagas: [greet({})], ...options })
  expect(begin).toThrow(expect.objectContaining({ code: 'bad_options', message: expect.stringContaining(name) }))
})

it('[N19] a token function is asked again when the server refuses its token, by the beats, too', async () => {
  await using server = await startWorkServer()
  let made = 0
  let isFirstOver = false
  // Requests that were on their way with the first token may have a third one made.
  server.instead = ({ token }) =>
    isFirstOver && token === 'token 1' ? { status: 401, body: { error: { code: 'unauthorized' } } } : undefined
  let finish = (): void => undefined
  const run = () => new Promise((resolve) => (finish = () => resolve('whole')))
  start(server, { sagas: [greet({ run })], token: () => `token ${++made}` })
  const end = server.give({ leaseMs: 90 })
  await server.wait((heard) => whatOf(heard) === 'beat' && heard.token === 'token 1')
  isFirstOver = true
  await server.wait((heard) => whatOf(heard) === 'beat' && heard.token !== 'token 1')
  finish()
  expect((await end).token).not.toBe('token 1')
  expect(made).toBeGreaterThan(1)
})
