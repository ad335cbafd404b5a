/**
 * The cost of open tasks to people who type: the same edits on a server without tasks, on one with open tasks, and on that one while
 * a worker takes and ends steps of them. The servers do the same work in turns. Prints a table, and exits with 1 when an edit's
 * p99 beside open tasks, the start or the memory is above its bound.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Child, startChild } from '../support/child-process.ts'
import { runCommand } from '../support/run-command.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import type { Figures, Job, Work } from './load/job.ts'
import { percentile } from './load/percentile.ts'
import { readProcessUsage } from './load/process-usage.ts'
import { ASK, fillTasks, openManyTasks } from './many-tasks.ts'
import { PEERS, type RunningPeer, startPeer } from './peers.ts'

const USAGE = `usage: node test/bench/edits-beside-tasks.ts [--tasks N] [--rounds N] [--seconds N] [--leases N]
  --tasks N    open tasks; default 10000
  --rounds N   turns of each kind; default 5
  --seconds N  time of one turn; default 5
  --leases N   steps that a worker takes a second in the turns with a worker; default 200`

/** The bounds: p99 beside open tasks as a multiple of that without, the start in ms, and the memory of the tasks in MiB. */
const BOUNDS = { p99: 1.1, startMs: 2_000, memoryMiB: 150 }
/** The bound on V8's young generation that the `joinery` command sets. */
const NODE_ARGS = ['--max-semi-space-size=16']
const LOAD_PROCESS = fileURLToPath(new URL('load/main.ts', import.meta.url))
/** Time for a server to let go what its start has left, ms. */
const SETTLE_MS = 3_000
/** Edits of each of the writers a second: 400 in all. */
const EDITS_PER_SECOND = 20
const ROOMS = 20
/** Time between two calls of the worker, ms. */
const WORKER_TICK_MS = 20

interface Settings {
  readonly tasks: number
  readonly rounds: number
  readonly seconds: number
  readonly leases: number
}

function settings(): Settings {
  const number = (name: keyof Settings, text: string, max: number): number => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < 1 || value > max) throw new TypeError(`--${name} is 1 to ${max}`)
    return value
  }
  const { values } = parseArgs({
    options: {
      tasks: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      leases: { type: 'string', default: '200' },
    },
  })
  return {
    tasks: number('tasks', values.tasks, 40_000),
    rounds: number('rounds', values.rounds, 100),
    seconds: number('seconds', values.seconds, 60),
    leases: number('leases', values.leases, 1_000),
  }
}

/** A worker that takes and ends steps at a rate, by HTTP. Returns how to stop it, which tells how many a second it has ended. */
function work(url: string, perSecond: number): () => Promise<number> {
  let [due, ended, isStopped] = [0, 0, false]
  const startedMs = performance.now()
  const post = async (path: string, body: object): Promise<Response> => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${url}/v1/work/leases${path}`, init)
    if (!response.ok) throw new Error(`${path || 'leases'}: ${response.status} ${await response.text()}`)
    return response
  }
  const done = (async () => {
    while (!isStopped) {
      due = Math.floor(((performance.now() - startedMs) / 1_000) * perSecond)
      if (due > ended) {
        const answer = await post('', { ...ASK, max: Math.min(ASK.max, due - ended) })
        const { leases } = (await answer.json()) as { leases: { token: string }[] }
        await Promise.all(
          leases.map(({ token }) => post(`/${encodeURIComponent(token)}/done`, { result: { blocks: ['a', 'b'] } })),
        )
        ended += leases.length
      }
      await new Promise((resolve) => setTimeout(resolve, WORKER_TICK_MS))
    }
  })()
  return async () => {
    isStopped = true
    await done
    return ended / ((performance.now() - startedMs) / 1_000)
  }
}

async function edit({ child, url }: RunningPeer, seconds: number): Promise<Figures> {
  const pace = { editsPerSecond: EDITS_PER_SECOND }
  const measured: Work = {
    ...{ kind: 'fanOut', rooms: ROOMS, clients: 3, writers: 1, pace, editsPerWriter: EDITS_PER_SECOND * seconds },
    warmUpEdits: EDITS_PER_SECOND,
  }
  const job: Job = { target: { url, wire: 'yjs', pid: child.pid, keepsDocuments: true }, work: measured }
  const load: Child = startChild({ args: [LOAD_PROCESS, JSON.stringify(job)] })
  const exit = await load.exited
  if (exit.code !== 0) throw new Error(`${load.output()}\nserver: ${child.output().slice(-2_000)}`)
  return JSON.parse(load.stdout())
}

interface Started extends RunningPeer {
  readonly startMs: number
  readonly memoryMiB: number
}

/** Starts a server, and looks at its memory when it is at rest. */
async function start(directory: string): Promise<Started> {
  const beganMs = performance.now()
  const running = await startPeer(PEERS.joinery, directory, NODE_ARGS)
  const startMs = performance.now() - beganMs
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  return { ...running, startMs, memoryMiB: readProcessUsage(running.child.pid).residentKiB / 1024 }
}

async function main(): Promise<number> {
  const { tasks, rounds, seconds, leases } = settings()
  await using directory = await tempDirectory()
  const filled = await openManyTasks(`${directory.path}/with`)
  await fillTasks(filled.tasks, tasks)
  await filled.close()
  const without = await start(`${directory.path}/without`)
  const beside = await start(`${directory.path}/with`)
  try {
    const p99: Record<'without' | 'open' | 'worked', number[]> = { without: [], open: [], worked: [] }
    const p50: typeof p99 = { without: [], open: [], worked: [] }
    const stepsPerSecond: number[] = []
    const turn = {
      without: () => edit(without, seconds),
      open: () => edit(beside, seconds),
      worked: async () => {
        const stop = work(beside.url.replace('ws', 'http'), leases)
        const figures = await edit(beside, seconds).catch(async (error: unknown) => {
          await stop()
          throw error
        })
        stepsPerSecond.push(await stop())
        return figures
      },
    }
    // The first round of each runs code that has never run before.
    for (let round = 0; round <= rounds; round++) {
      const kinds = ['without', 'open', 'worked'] as const
      // Each kind is the first in every other round: a machine that gets slower is slower for both.
      for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
        const { latencyP50Ms = Number.NaN, latencyP99Ms = Number.NaN } = await turn[kind]()
        if (round === 0) continue
        p99[kind].push(latencyP99Ms)
        p50[kind].push(latencyP50Ms)
      }
    }
    const median = (values: readonly number[]): number => percentile([...values], 0.5)
    const ratio = (kind: 'open' | 'worked'): number =>
      median(p99[kind].map((value, round) => value / (p99.without[round] ?? Number.NaN)))
    const line = (title: string, kind: keyof typeof p99): void =>
      console.log(
        `| ${title} | ${median(p50[kind]).toFixed(2)} | ${median(p99[kind]).toFixed(2)} | ${kind === 'without' ? '' : ratio(kind).toFixed(2)} |`,
      )
    console.log(`| an edit until another client has it, ms | p50 | p99 | ratio of p99 |\n| --- | ---: | ---: | ---: |`)
    line('no tasks', 'without')
    line(`${tasks} open tasks`, 'open')
    line(`the same, ${Math.round(median(stepsPerSecond))} steps a second`, 'worked')
    const memoryMiB = beside.memoryMiB - without.memoryMiB
    console.log(
      `start: ${Math.round(beside.startMs)} ms with them, ${Math.round(without.startMs)} ms without; memory: ${memoryMiB.toFixed(0)} MiB more`,
    )
    const checks = [
      ['p99 beside open tasks', ratio('open'), BOUNDS.p99],
      ['start, ms', beside.startMs, BOUNDS.startMs],
      ['memory, MiB', memoryMiB, BOUNDS.memoryMiB],
    ] as const
    for (const [name, value, bound] of checks) {
      console.log(`${name}: ${value.toFixed(2)} (at most ${bound}: ${value <= bound ? 'holds' : 'MISSED'})`)
    }
    return checks.every(([, value, bound]) => value <= bound) ? 0 : 1
  } finally {
    await Promise.all([without.child.end('SIGTERM'), beside.child.end('SIGTERM')])
  }
}

await runCommand(main, USAGE)
