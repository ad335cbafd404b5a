import { setTimeout as delay } from 'node:timers/promises'
import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'
import type { Order } from './outside.ts'
import { HOME, isEnded, LEASE_MS, SagaScene } from './saga-scene.ts'
import { type Fate, startWorkProxy } from './work-proxy.ts'

/** Share of the messages that are late, and by how many leases at most. */
const LATE_PERCENT = 4
const LATE_LEASES = 3

it('[T112] a worker that slept past its lease and wakes up late writes nothing, and its answers are refused', async () => {
  await using scene = await SagaScene.start()
  const zombie = scene.startWorker()
  const refused: string[] = []
  const asleep = Promise.withResolvers<void>()
  const awake = Promise.withResolvers<void>()
  scene.outside.onPlace = async (place, pid): Promise<Order> => {
    if (place !== 'index run' || pid !== zombie.pid) return 'go'
    process.kill(pid, 'SIGSTOP')
    asleep.resolve()
    await awake.promise
    return 'go'
  }
  await scene.call('PUT', `${HOME}/blocks/z`, { type: 'text', content: 'one two three' })
  const path = await scene.begin('indexing', scene.inputOf('z'))
  await asleep.promise
  const token = scene.proxy.tokenOf('index run') ?? expect.fail('nobody has a lease')
  const other = scene.startWorker()
  try {
    expect(await scene.until(path, isEnded)).toMatchObject({ state: 'done' })
    const shown = (await scene.call('GET', `${HOME}/blocks/z`)).json
    scene.proxy.after = ({ name }, status) => {
      if (status === 409) refused.push(name)
    }
    process.kill(zombie.pid, 'SIGCONT')
    awake.resolve()
    // Its beat, its report on the run and its answer: whichever comes first ends the attempt.
    await until('the zombie is refused', () => refused.length > 0)
    const late = await scene.call('POST', `/v1/work/leases/${token}/done`, { result: 'late' })
    expect([late.status, late.json?.error.code]).toEqual([409, 'lease_lost'])
    const write = { operations: [{ op: 'patch', block: 'z', content: 'late' }] }
    const fenced = await scene.call('POST', `${HOME}/transactions`, write, {
      'x-joinery-lease': decodeURIComponent(token),
    })
    expect([fenced.status, fenced.json.error.code]).toEqual([409, 'lease_lost'])
    expect((await scene.call('GET', `${HOME}/blocks/z`)).json).toEqual(shown)
    expect(shown.indexingList).toMatchObject([{ status: 'done', chunks: 3 }])
  } finally {
    await Promise.all([zombie.end('SIGKILL'), other.end('SIGKILL')])
  }
})

it('[T113] lost and late messages, doubled requests and cut bodies before the server and before the ledger change nothing', async () => {
  const seed = runSeed()
  console.log(`JOINERY_SEED=${seed}`)
  const random = seededRandom(seed)
  await using scene = await SagaScene.start()
  scene.keepWorker()
  scene.keepWorker()
  await using ledger = await startWorkProxy(Number(new URL(scene.outside.url).port))
  const fates = new Map<Fate | 'late', number>()
  const before = async (): Promise<Fate> => {
    const dice = randomBelow(random, 100)
    const fate = dice < 10 ? 'lost' : dice < 20 ? 'twice' : dice < 23 ? 'cut' : dice < 25 ? 'never' : 'go'
    if (randomBelow(random, 100) < LATE_PERCENT) {
      fates.set('late', (fates.get('late') ?? 0) + 1)
      await delay(randomBelow(random, LATE_LEASES * LEASE_MS))
    }
    fates.set(fate, (fates.get(fate) ?? 0) + 1)
    return fate
  }
  scene.proxy.before = before
  ledger.before = before
  const count = runSize('JOINERY_SAGAS', { everyday: 6, nightly: 500 })
  const inputs = Array.from({ length: count }, (_, n) =>
    scene.inputOf(`s${n}`, { fails: n % 3 === 2, outside: ledger.url }),
  )
  for (let n = 0; n < count; n += 6) {
    const batch = inputs.slice(n, n + 6)
    const paths = await Promise.all(batch.map((input) => scene.begin('template', input)))
    for (const [index, path] of paths.entries()) {
      const { prefix, fails } = batch[index] as { prefix: string; fails?: boolean }
      const task = await scene.until(path, isEnded)
      expect(task.state, JSON.stringify(task)).toBe(fails ? 'compensated' : 'done')
      await scene.expectPlan(prefix, !fails)
    }
    console.log(`${n + batch.length} sagas, messages by fate: ${JSON.stringify(Object.fromEntries(fates))}`)
  }
})

/** Places of a saga in which its worker may fall asleep. Its calls to the outside when it wakes up late are the same again. */
const ASLEEP = [
  ...['create run', 'upload before', 'upload after', 'charge before', 'charge after', 'link run'].map(
    (place) => [place, false] as const,
  ),
  ...['charge before', 'charge after', 'link run', 'charge undo before', 'charge undo after'].map(
    (place) => [place, true] as const,
  ),
  ...['upload undo before', 'upload undo after', 'create undo'].map((place) => [place, true] as const),
]

it('[T133] a worker that falls asleep at any place of a saga and wakes up after its end changes nothing', async () => {
  const seed = runSeed()
  const from = randomBelow(seededRandom(seed), ASLEEP.length)
  const places = process.env.JOINERY_NIGHTLY ? ASLEEP : [...ASLEEP, ...ASLEEP].slice(from, from + 2)
  await using scene = await SagaScene.start()
  scene.keepWorker()
  for (const [n, [place, fails]] of places.entries()) {
    const zombie = scene.startWorker()
    const asleep = Promise.withResolvers<void>()
    const awake = Promise.withResolvers<void>()
    const refused = Promise.withResolvers<void>()
    let pid: number | undefined
    scene.outside.onPlace = async (passed, by): Promise<Order> => {
      if (passed !== place || pid !== undefined) return 'go'
      pid = by
      process.kill(by, 'SIGSTOP')
      asleep.resolve()
      await awake.promise
      return 'go'
    }
    const prefix = `z${n}`
    const path = await scene.begin('template', scene.inputOf(prefix, { fails }))
    await asleep.promise
    const task = await scene.until(path, isEnded)
    expect(task.state, place).toBe(fails ? 'compensated' : 'done')
    await scene.expectPlan(prefix, !fails)
    scene.proxy.after = (_message, status) => {
      if (status === 409) refused.resolve()
    }
    process.kill(pid ?? expect.fail('nobody is asleep'), 'SIGCONT')
    awake.resolve()
    await refused.promise
    await scene.expectPlan(prefix, !fails)
    await zombie.end('SIGKILL')
  }
  console.log(`${places.length} workers fell asleep and woke up late (JOINERY_SEED=${seed})`)
})

it('[T114] a block that somebody has typed in stays when its saga is taken back, and says why', async () => {
  await using scene = await SagaScene.start()
  scene.keepWorker()
  const reached = Promise.withResolvers<void>()
  const typed = Promise.withResolvers<void>()
  scene.outside.onPlace = async (place): Promise<Order> => {
    if (place === 'link run') {
      reached.resolve()
      await typed.promise
    }
    return 'go'
  }
  const path = await scene.begin('template', scene.inputOf('t', { fails: true }))
  await reached.promise
  const ada = connectWorkspace({ url: scene.server.url, workspace: scene.workspace, actor: 'ada' })
  await ada.whenSynced
  ada.blocks.get('t-a')?.content.insert(2, ' Measure twice.')
  await ada.whenDurable()
  typed.resolve()
  const task = await scene.until(path, isEnded)
  expect(task).toMatchObject({ state: 'compensated_partly', kept: [{ block: 't-a', by: 'ada' }] })
  expect(task.steps.map(({ name, state }) => [name, state])).toContainEqual(['create', 'kept'])
  expect(await scene.traces('t')).toMatchObject({ blocks: [undefined, 'a. Measure twice.', undefined], files: 0 })
  ada.undo.undo()
  await ada.whenDurable()
  expect((await scene.traces('t')).blocks).toEqual([undefined, 'a.', undefined])
  await ada.close()
})

it('[T115] a task whose version nobody serves waits and says so, and goes on with a worker of its version', async () => {
  await using scene = await SagaScene.start()
  const first = scene.startWorker({ TEST_VERSIONS: '1' })
  const path = await scene.begin('waiting', scene.inputOf('v'))
  await scene.until(path, ({ waiting }) => waiting?.code === 'signal')
  await first.end('SIGTERM')
  const newer = scene.startWorker({ TEST_VERSIONS: '2' })
  await scene.call('POST', `${path}/signals/go`, { payload: 'now' })
  const waiting = await scene.until(path, (task) => task.waiting?.code === 'no_worker_for_version')
  expect(waiting.waiting?.reason).toContain('1')
  const both = scene.startWorker({ TEST_VERSIONS: '1,2' })
  try {
    const task = await scene.until(path, isEnded)
    expect(task).toMatchObject({
      state: 'done',
      version: 1,
      results: { first: { version: 1 }, second: { version: 1 } },
    })
    // Nothing was replayed: the first charge was made by the first worker, once.
    expect(scene.outside.charges('v').map(({ amount }) => amount)).toEqual([1, 2])
  } finally {
    await Promise.all([newer.end('SIGKILL'), both.end('SIGKILL')])
  }
})
