/**
 * Lets the same failures happen to a cluster of Joinery and to Hocuspocus with its Redis extension, and counts what each had called
 * saved and lost. Exit code 1 when Joinery lost something or can't be read afterwards, 2 on a wrong command line.
 */
import { parseArgs } from 'node:util'
import { runCommand } from '../../support/run-command.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import type { Contestant } from './ground.ts'
import { HOCUSPOCUS } from './hocuspocus-ground.ts'
import { JOINERY } from './joinery-ground.ts'
import { FAILURES, failureRounds } from './rounds.ts'

const CONTESTANTS: Readonly<Record<string, Contestant>> = { joinery: JOINERY, hocuspocus: HOCUSPOCUS }
const NAMES = Object.keys(FAILURES)

const USAGE = `usage: node test/cluster/kills/run.ts [--rounds N] [--seed N] [--only A,B] [--failures 1,2] [--quick]
  --rounds N      how often each failure happens; default 5
  --seed N        of the moments; default a new one
  --only A,B      of ${Object.keys(CONTESTANTS).join(', ')}; default both
  --failures 1,2  numbers, default all:
${NAMES.map((name, n) => `                  ${n + 1} ${name}`).join('\n')}
  --quick         failures within half a second
It needs a NATS server of version 2.12 or newer, on PATH or as NATS_SERVER="$(.ci/nats-server.sh)", and for Hocuspocus
redis-server (apt-get install redis-server).`

function options() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      only: { type: 'string', default: Object.keys(CONTESTANTS).join() },
      failures: { type: 'string', default: NAMES.map((_, n) => n + 1).join() },
      quick: { type: 'boolean', default: false },
    },
  })
  const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) throw new TypeError('--rounds is 1 to 1,000')
  if (!Number.isInteger(seed) || seed < 0) throw new TypeError('--seed is a whole number from 0')
  const contestants = values.only.split(',').map((name) => {
    const contestant = CONTESTANTS[name]
    if (contestant === undefined) throw new TypeError(`--only: "${name}" is none of them`)
    return contestant
  })
  const failures = values.failures.split(',').map((number) => {
    const name = NAMES[Number(number) - 1]
    const failure = name === undefined ? undefined : FAILURES[name]
    if (name === undefined || failure === undefined) throw new TypeError(`--failures: there is no ${number}`)
    return { name, failure }
  })
  return { rounds, seed, contestants, failures, isQuick: values.quick }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

function toldOf({ message, cause }: Error): string {
  const reason = cause instanceof Error ? `${message} (${cause.message})` : message
  return reason.replaceAll('\n', ' ').replaceAll('|', '/')
}

async function main(): Promise<number> {
  const { rounds, seed, contestants, failures, isQuick } = options()
  const course = {
    ...{ rounds, quietMs: isQuick ? 1_500 : 3_000 },
    afterMs: isQuick ? ([200, 500] as const) : ([500, 2_500] as const),
  }
  process.stderr.write(`seed ${seed}\n`)
  console.log(
    `| ${rounds} times, seed ${seed} | servers | typed | called saved | of these lost | workspaces that differ by server |`,
  )
  console.log('| --- | --- | ---: | ---: | ---: | ---: |')
  let hasLost = false
  for (const { name, failure } of failures) {
    for (const contestant of contestants) {
      const losses = await failureRounds(contestant, failure, seededRandom(seed), course).catch(asError)
      if (losses instanceof Error) {
        // Servers that give nothing back have lost all of it, until somebody mends them.
        console.log(`| ${name} | ${contestant.title} | no workspace can be read afterwards: ${toldOf(losses)} ||||`)
        if (contestant === JOINERY) hasLost = true
        continue
      }
      const { typed, saved, lost, differing, crashes } = losses
      const cells = [typed, saved, lost, differing].map((count) => count.toLocaleString('en'))
      console.log(`| ${name} | ${contestant.title} | ${cells.join(' | ')} |`)
      for (const words of crashes) console.log(`  a server ended by itself: ${words.replaceAll('\n', ' ')}`)
      if (contestant === JOINERY && lost > 0) hasLost = true
    }
  }
  return hasLost ? 1 : 0
}

await runCommand(main, USAGE)
process.exit()
