import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { percentile } from '../bench/load/percentile.ts'
import { readProcessUsage } from '../bench/load/process-usage.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'
import { describeTimes, EditorProcess } from './timed-edits.ts'

const PAYMENTS = 20
const HOOKS_PER_SECOND = 50
/** Time of edits beside events, and as much beside plain writes, and alone. */
const SECONDS = Number(process.env.JOINERY_HOOK_SECONDS ?? 60)
/** Parts of each kind take turns, so that a machine that becomes slower is slower for all. */
const ROUNDS = 8
const KINDS = ['alone', 'plain', 'events'] as const
/** The workspaces that are edited: the one of the events, and another one. */
const PLACES = ['/v1/workspaces/shop', '/v1/workspaces/beside']

type Kind = (typeof KINDS)[number]

it('[RS14, RS15, RS47] 50 events a second are all kept and all handled, while people edit', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const ids: string[] = []
  for (let n = 0; n < PAYMENTS; n++) {
    await scene.run(`p${n}`, { amount: 500, currency: 'eur' })
    const { detail } = await scene.shows(`p${n}`, { status: 'requires_action' })
    ids.push((detail as { id: string }).id)
  }
  await using editor = new EditorProcess(
    scene,
    PLACES.map((home) => `${home}/blocks/note`),
  )
  let sent = 0
  /** Sends so many of each kind in step with the clock: a plain write is the least that a request that is kept can cost. */
  const send: Readonly<Record<Kind, (count: number) => Promise<void>>> = {
    alone: async (count) => pause((count / HOOKS_PER_SECOND) * 1_000),
    plain: (count) =>
      inStep(count, 201, (n) =>
        scene.call('PUT', `/v1/workspaces/plain/blocks/b${n % PAYMENTS}`, { type: 'text', content: `${n}` }),
      ),
    events: async (count) => {
      await inStep(count, 202, (n) => scene.send(eventOf(sent + n, ids[n % PAYMENTS] ?? '')))
      sent += count
    },
  }
  const count = (SECONDS / ROUNDS) * HOOKS_PER_SECOND
  const parts: Record<Kind, Part[]> = { alone: [], plain: [], events: [] }
  // The first round of each compiles the code.
  for (let round = -1; round < ROUNDS; round++) {
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
      const part = await measure(scene, editor, () => send[kind](round < 0 ? HOOKS_PER_SECOND * 2 : count))
      if (round >= 0) parts[kind].push(part)
      await whenHandled(scene, sent)
    }
  }
  for (const [place, home] of PLACES.entries()) {
    for (const kind of KINDS) {
      const times = parts[kind].map(({ edits }) => edits[place] ?? [])
      console.log(
        `${home} ${kind}: ${describeTimes(times.flat())}; ${againstAlone(
          times,
          parts.alone.map(({ edits }) => edits[place] ?? []),
        )}`,
      )
    }
  }
  for (const kind of KINDS) console.log(`${kind}: ${costOf(parts[kind])}`)
})

/** Figures of one part. */
interface Part {
  /** Times of edits by their place, ms. */
  readonly edits: readonly (readonly number[])[]
  readonly seconds: number
  readonly serverMs: number
  readonly workerMs: number
  readonly fsyncs: number
}

async function measure(scene: ResourceScene, editor: EditorProcess, work: () => Promise<void>): Promise<Part> {
  const [worker = 0] = await scene.workers()
  const usage = async () => ({
    serverMs: readProcessUsage(scene.server.child.pid).cpuMicros / 1_000,
    workerMs: readProcessUsage(worker).cpuMicros / 1_000,
    fsyncs: Number(/^joinery_log_fsync_seconds_count (\d+)$/m.exec(await metricsOf(scene))?.[1]),
  })
  const before = await usage()
  const sinceMs = Date.now()
  await work()
  const untilMs = Date.now()
  const now = await usage()
  return {
    edits: editor.between(sinceMs, untilMs),
    seconds: (untilMs - sinceMs) / 1_000,
    ...{ serverMs: now.serverMs - before.serverMs, workerMs: now.workerMs - before.workerMs },
    fsyncs: now.fsyncs - before.fsyncs,
  }
}

/** The ratio of the 99th percentiles of all times, and the least, the middle and the greatest ratio of one round. */
function againstAlone(times: readonly (readonly number[])[], alone: readonly (readonly number[])[]): string {
  const p99 = (values: readonly number[]): number => percentile(values, 0.99)
  const all = p99(times.flat()) / p99(alone.flat())
  const rounds = times.map((values, round) => p99(values) / p99(alone[round] ?? [])).sort((a, b) => a - b)
  const spread = [0, 0.5, 1].map((rank) => percentile(rounds, rank).toFixed(2)).join(', ')
  return `p99 is ${all.toFixed(2)} times as long (rounds: ${spread})`
}

function costOf(parts: readonly Part[]): string {
  const perSecond = (of: (part: Part) => number): string =>
    (parts.reduce((sum, part) => sum + of(part), 0) / parts.reduce((sum, { seconds }) => sum + seconds, 0)).toFixed(1)
  return `${perSecond(({ fsyncs }) => fsyncs)} fsyncs, ${perSecond(({ serverMs }) => serverMs)} ms of the server and ${perSecond(({ workerMs }) => workerMs)} ms of the worker a second`
}

function eventOf(number: number, id: string): string {
  const object = { id: 'ch_1', payment_intent: id }
  return JSON.stringify({ id: `evt_${number}`, type: 'charge.updated', data: { object } })
}

/** Sends requests in step with the clock. Resolves once all are answered as they should be. */
async function inStep(count: number, status: number, send: (n: number) => Promise<{ status: number }>): Promise<void> {
  const answers: Promise<number>[] = []
  const startMs = performance.now()
  for (let n = 0; n < count; n++) {
    answers.push(send(n).then((answer) => answer.status))
    await pause(Math.max(0, startMs + ((n + 1) * 1_000) / HOOKS_PER_SECOND - performance.now()))
  }
  for (const answer of await Promise.all(answers)) expect([status, 200]).toContain(answer)
}

async function metricsOf(scene: ResourceScene): Promise<string> {
  return (await scene.call('GET', '/metrics')).text
}

/** Waits until so many events have been handled in all. */
async function whenHandled(scene: ResourceScene, count: number): Promise<void> {
  const waiting = async () => /^joinery_hooks_waiting (\d+)$/m.exec(await metricsOf(scene))?.[1]
  await expect.poll(waiting, { message: 'all events have their tasks' }).toBe('0')
  if (count === 0) return
  const done = new RegExp(`^joinery_tasks_ended_total\\{[^}]*observe[^}]*done[^}]*\\} ${count}$`, 'm')
  await expect.poll(() => metricsOf(scene), { message: 'all are handled' }).toMatch(done)
}
