/**
 * Runs one saga on Joinery and its peers, kills its worker at every step, and prints a table of the effects that were lost or
 * happened twice, and of the jobs that got stuck. Exit code 1 when Joinery lost an effect or left a job stuck, 2 on a wrong
 * command line. Needs `redis-server` for BullMQ and PostgreSQL for pg-boss, and installs the peers' packages by npm.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from '../support/run-command.ts'
import { startBullMq } from './bullmq.ts'
import type { Contestant, Ground } from './contestant.ts'
import { startJoineryTasks } from './joinery.ts'
import { Outside } from './outside.ts'
import { installPeer } from './packages.ts'
import { startPgBoss } from './pg-boss.ts'
import { startRestate } from './restate.ts'
import { allRounds, playRounds, type Round, sumOf, type Tally } from './rounds.ts'

const USAGE = `usage: node test/task-peers/run.ts [--only A,B] [--step N] [--patience S] [--beside N] [--packages DIR]
  --only A,B      of joinery, joinery-short, bullmq, pg-boss, pg-boss-heartbeat, restate; default all
  --step N        kills at every N-th call only; default 1
  --patience S    seconds after which a job counts as stuck; default 60
  --beside N      worlds that play at once, each with its own server and worker; default 4
  --packages DIR  where the peers' packages are kept; default a folder for temporary files`

type Start = (ground: Ground, packages: string) => Promise<Contestant>
const CONTESTANTS: Readonly<Record<string, { readonly peer?: string; readonly start: Start }>> = {
  joinery: { start: (ground) => startJoineryTasks(ground) },
  'joinery-short': { start: (ground) => startJoineryTasks(ground, 5_000) },
  bullmq: { peer: 'bullmq', start: startBullMq },
  'pg-boss': { peer: 'pg-boss', start: (ground, packages) => startPgBoss(ground, packages) },
  'pg-boss-heartbeat': { peer: 'pg-boss', start: (ground, packages) => startPgBoss(ground, packages, 10) },
  restate: { peer: 'restate', start: startRestate },
}

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: Object.keys(CONTESTANTS).join(',') },
      step: { type: 'string', default: '1' },
      patience: { type: 'string', default: '60' },
      beside: { type: 'string', default: '4' },
      packages: { type: 'string', default: join(tmpdir(), 'joinery-task-peers') },
    },
  })
  const [step, patience, beside] = [Number(values.step), Number(values.patience), Number(values.beside)]
  if (!Number.isInteger(step) || step < 1) throw new TypeError('--step is a whole number from 1')
  if (!Number.isInteger(patience) || patience < 1 || patience > 3_600) throw new TypeError('--patience is 1 to 3,600 s')
  if (!Number.isInteger(beside) || beside < 1 || beside > 16) throw new TypeError('--beside is 1 to 16')
  const names = values.only.split(',')
  for (const name of names)
    if (!Object.hasOwn(CONTESTANTS, name)) throw new TypeError(`--only: "${name}" is none of them`)
  return { names, step, patience, beside, packages: values.packages }
}

interface Play {
  readonly step: number
  readonly patience: number
  readonly beside: number
  readonly packages: string
}

/** Plays all rounds of one contestant, in several worlds at once. */
async function play(name: string, { step, patience, beside, packages }: Play): Promise<[string, Tally]> {
  const { peer, start } = CONTESTANTS[name] ?? {}
  if (start === undefined) throw new Error(`there is no contestant ${name}`)
  const folder = peer === undefined ? '' : await installPeer(peer, packages)
  const rounds = allRounds(step)
  const worlds = Array.from({ length: beside }, (_, world) => rounds.filter((_, at) => at % beside === world))
  const played = await Promise.all(worlds.map((own) => playIn(start, folder, own, patience * 1_000)))
  return [played[0]?.[0] ?? name, sumOf(played.map(([, tally]) => tally))]
}

async function playIn(
  start: Start,
  folder: string,
  rounds: readonly Round[],
  patienceMs: number,
): Promise<[string, Tally]> {
  await using outside = await Outside.open()
  const directory = await mkdtemp(join(tmpdir(), 'joinery-peer-'))
  try {
    await using contestant = await start({ outsideUrl: outside.url, directory }, folder)
    return [contestant.title, await playRounds(contestant, outside, rounds, patienceMs)]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function main(): Promise<number> {
  const { names, ...settings } = options()
  console.log(
    `| worker killed by SIGKILL | jobs | kills | effects lost | effects doubled | stuck after ${settings.patience} s | kill to end, median |`,
  )
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
  let isJoineryWell = true
  for (const name of names) {
    const [title, { jobs, kills, lost, doubled, stuck, afterKillMs }] = await play(name, settings)
    console.log(
      `| ${title} | ${jobs} | ${kills} | ${lost} | ${doubled} | ${stuck} | ${afterKillMs.length === 0 ? '–' : `${(median(afterKillMs) / 1_000).toFixed(1)} s`} |`,
    )
    if (name.startsWith('joinery') && lost + stuck > 0) isJoineryWell = false
  }
  return isJoineryWell ? 0 : 1
}

await runCommand(main, USAGE)
