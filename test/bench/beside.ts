/**
 * Cost of a record beside an edit: the same edits of a program inside the server with and without `beside`, in one process and
 * one store, in turns that follow each other. Prints one line of JSON: microseconds of CPU an edit, and milliseconds until it
 * is durable, for edits one after the other and for edits many at a time.
 * usage: node test/bench/beside.ts [--durability async|sync] [--edits N] [--rounds N]
 */
import { parseArgs } from 'node:util'
import { documentRules } from '@joinery/blocks'
import { openLevelStore, type WorkspaceLog } from '@joinery/log'
import { createServer, parseWorkspaceName, type WorkspaceId, type Workspaces } from '@joinery/server'
import { tempDirectory } from '../support/temp-directory.ts'
import { percentile } from './load/percentile.ts'

/** Edits that are on their way together, in the second measurement. */
const AT_ONCE = 50
const NEVER = { records: 1e9, bytes: 1e12, ms: 1e9 }
const EVENT = Buffer.from(
  `\u0001${JSON.stringify({ kind: 'step.done', task: 'tsk_1', step: 'one', result: { ok: true } })}`,
)

interface Measured {
  readonly cpuUs: number
  readonly p50Ms: number
  readonly p95Ms: number
}

const { values } = parseArgs({
  options: {
    durability: { type: 'string', default: 'async' },
    edits: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '7' },
  },
})
const durability = values.durability === 'sync' ? 'sync' : 'async'
const [edits, rounds] = [Number(values.edits), Number(values.rounds)]

/** Makes the edits, `atOnce` of them on their way together. */
async function measure(workspaces: Workspaces, name: WorkspaceId, atOnce: number, journal: WorkspaceLog | undefined) {
  const beside =
    journal &&
    (() =>
      journal.append({ update: EVENT, actor: 'joinery', source: 'server', connection: 'work', touched: ['task/1'] }))
  const times: number[] = []
  let left = edits
  const before = process.cpuUsage()
  const writeOn = async (): Promise<void> => {
    while (left-- > 0) {
      const n = left
      const startMs = performance.now()
      await workspaces.write(name, {
        ...{ writer: { actor: 'ada', source: 'user_action' }, via: 'bench' },
        run: (doc) => doc.getMap('values').set(`key ${n % 20}`, n),
        ...(beside && { beside }),
      })
      times.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, writeOn))
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: (user + system) / edits, p50Ms: percentile(times, 0.5), p95Ms: percentile(times, 0.95) }
}

const median = (numbers: number[]): number => percentile(numbers, 0.5)

await using home = await tempDirectory()
const store = await openLevelStore({ directory: home.path, durability })
// A snapshot would fall into every second measurement, always of the same kind.
const server = createServer({ store, rules: documentRules, snapshots: NEVER })
const name = parseWorkspaceName('bench') as WorkspaceId
const journal = await server.workspaces.openSystemLog('!work/bench', () => undefined)
for (const atOnce of [1, AT_ONCE]) {
  const alone: Measured[] = []
  const both: Measured[] = []
  // The first round of each runs code that has never run before.
  for (let round = 0; round <= rounds; round++) {
    const kinds = [
      [alone, undefined],
      [both, journal],
    ] as const
    // Each kind is the first in every other round.
    for (const [to, log] of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const measured = await measure(server.workspaces, name, atOnce, log)
      if (round > 0) to.push(measured)
    }
  }
  const figures = (of: readonly Measured[]) => ({
    cpuUs: round1(median(of.map(({ cpuUs }) => cpuUs))),
    p50Ms: round1(median(of.map(({ p50Ms }) => p50Ms))),
    p95Ms: round1(median(of.map(({ p95Ms }) => p95Ms))),
  })
  const ratio = median(both.map(({ cpuUs }, n) => cpuUs / (alone[n]?.cpuUs ?? Number.NaN)))
  console.log(
    JSON.stringify({
      durability,
      atOnce,
      edits,
      alone: figures(alone),
      beside: figures(both),
      cpuRatio: round1(ratio * 100) / 100,
    }),
  )
}
await server.close()
await store.close()

function round1(value: number): number {
  return Math.round(value * 100) / 100
}
