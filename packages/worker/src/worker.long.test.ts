import { expect, it } from 'vitest'
import { greet, start } from './testing/greeting.ts'
import { startWorkServer, whatOf } from './testing/work-server.ts'

const ofLease = (what: string) => (heard: Parameters<typeof whatOf>[0]) => whatOf(heard) === what

const untilAborted = ({ signal }: { signal: AbortSignal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

it('[N14] a step that computes keeps its lease, and its beats say that the loop stands', async () => {
  await using server = await startWorkServer()
  const { Worker } = await import('node:worker_threads')
  // The worker is in a thread of its own here, so that this loop can serve while the step computes.
  const code = `
    import { defineSaga, startWorker, step } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
    const busy = () => { const end = Date.now() + 1_500; while (Date.now() < end); return 'computed' }
    startWorker({ url: ${JSON.stringify(server.url)}, loopStallMs: 300,
      sagas: [defineSaga({ name: 'greet', version: 1, steps: [step('one', { run: busy })] })] })`
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  try {
    const end = server.give({ leaseMs: 300 })
    const beat = await server.wait((heard) => whatOf(heard) === 'beat' && Number(heard.body.stalledMs) >= 300)
    expect(server.heard.some(ofLease('done'))).toBe(false)
    expect(beat.body.stalledMs).toBeLessThan(60_000)
    expect((await end).body).toEqual({ result: 'computed' })
  } finally {
    await thread.terminate()
  }
})

it('[N18] beats tell the last values, and a bad value fails the step', async () => {
  await using server = await startWorkServer()
  const run = async ({ beat, signal }: { beat: (...told: never[]) => void; signal: AbortSignal }) => {
    for (let n = 1; n <= 1_000; n++) (beat as (n: number, total: number, note: string) => void)(n, 1_000, `row ${n}`)
    ;(beat as (told: object) => void)({ details: { row: 1_000 } })
    await untilAborted({ signal }).catch(() => undefined)
    return null
  }
  start(server, {
    sagas: [
      greet({ run }),
      greet({ run: ({ beat }) => beat({ progress: Number.NaN }) }, { version: 2 }),
      greet({ run: ({ beat }) => beat({ details: 1n as never }) }, { version: 3 }),
    ],
  })
  const end = server.give({ timeoutMs: 2_500 })
  const told = await server.wait((heard) => heard.body.progress === 1_000)
  expect(told.body).toEqual({ progress: 1_000, total: 1_000, note: 'row 1000', details: { row: 1_000 } })
  await end
  expect(server.heard.filter(ofLease('beat')).length).toBeLessThanOrEqual(4)
  expect((await server.give({ version: 2 })).body).toMatchObject({
    class: 'permanent',
    error: expect.stringContaining('NaN'),
  })
  expect((await server.give({ version: 3 })).body).toMatchObject({
    class: 'permanent',
    error: expect.stringContaining('bigint'),
  })
})

it('[N18] beats that the server refuses do not end the lease', async () => {
  await using server = await startWorkServer()
  server.instead = (heard) => (whatOf(heard) === 'beat' && 'note' in heard.body ? { status: 422 } : undefined)
  let finish = (): void => undefined
  const run = ({ beat }: { beat: (told: object) => void }) => {
    beat({ note: 'refused' })
    return new Promise((resolve) => (finish = () => resolve('whole')))
  }
  start(server, { sagas: [greet({ run })] })
  const end = server.give({ leaseMs: 600 })
  await server.wait((heard) => 'note' in heard.body)
  await server.wait((heard) => whatOf(heard) === 'beat' && !('note' in heard.body))
  finish()
  expect((await end).body).toEqual({ result: 'whole' })
})
