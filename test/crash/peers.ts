/**
 * Kills Joinery and its peers with SIGKILL at the same random moments. Prints a table of the entries that each had shown
 * to others, or called saved, and lost. Exit code 1 when Joinery lost something, 2 on a wrong command line.
 */
import { parseArgs } from 'node:util'
import { runCommand } from '../support/run-command.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type Contestant, killRounds, type Losses } from './peer-rounds.ts'

const USAGE = `usage: node test/crash/peers.ts [--kills N] [--seed N] [--only A,B] [--quick]
  --kills N   how often each server is killed; default 20
  --seed N    of the moments; default a new one
  --only A,B  of joinery-async, joinery-sync, y-websocket, hocuspocus; default all
  --quick     kills within a second instead of within five`

const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  'joinery-async': { peer: 'joinery', title: 'Joinery, `async`', durability: 'async' },
  'joinery-sync': { peer: 'joinery', title: 'Joinery, `sync`', durability: 'sync' },
  'y-websocket': { peer: 'y-websocket', title: 'y-websocket-server 0.1.1, LevelDB' },
  hocuspocus: { peer: 'hocuspocus', title: 'Hocuspocus 4, SQLite' },
}

function options() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      only: { type: 'string', default: Object.keys(CONTESTANTS).join(',') },
      quick: { type: 'boolean', default: false },
    },
  })
  const [kills, seed] = [Number(values.kills), Number(values.seed)]
  if (!Number.isInteger(kills) || kills < 1 || kills > 10_000) throw new TypeError('--kills is 1 to 10,000')
  if (!Number.isInteger(seed) || seed < 0) throw new TypeError('--seed is a whole number from 0')
  const contestants = values.only.split(',').map((name) => {
    const contestant = CONTESTANTS[name]
    if (contestant === undefined) throw new TypeError(`--only: "${name}" is none of them`)
    return contestant
  })
  return { kills, seed, contestants, isQuick: values.quick }
}

async function main(): Promise<number> {
  const { kills, seed, contestants, isQuick } = options()
  const rounds = {
    kills,
    typingMs: 5,
    killAfterMs: isQuick ? ([200, 1_000] as const) : ([500, 5_000] as const),
    quietMs: isQuick ? 200 : 750,
  }
  process.stderr.write(`seed ${seed}\n`)
  const table: { contestant: Contestant; losses: Losses }[] = []
  for (const contestant of contestants) {
    process.stderr.write(`${contestant.title}: ${kills} kills …\n`)
    table.push({ contestant, losses: await killRounds(contestant, seededRandom(seed), rounds) })
  }
  console.log(
    `| ${kills} kills, seed ${seed} | typed | seen by others | of these lost | called saved | of these lost | documents lost whole |`,
  )
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const { contestant, losses } of table) {
    const { typed, seen, seenLost, saved, savedLost, emptyDocuments } = losses
    const cells = [typed, seen, seenLost, saved === 0 ? '–' : saved, saved === 0 ? '–' : savedLost, emptyDocuments]
    console.log(`| ${contestant.title} | ${cells.map((cell) => cell.toLocaleString('en')).join(' | ')} |`)
  }
  return table.some(({ contestant, losses }) => contestant.peer === 'joinery' && losses.savedLost > 0) ? 1 : 0
}

await runCommand(main, USAGE)
