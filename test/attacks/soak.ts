/**
 * People at work for half an hour, with every attack in turn beside them, on one server with a heap of 1 GB. After each round of
 * attacks the server rests for a moment, and its memory is noted. Exit code 1 when something was lost, the people waited too
 * long, or the memory grew from round to round; 2 on a wrong command line.
 */
import { parseArgs } from 'node:util'
import { freePort } from '../support/free-port.ts'
import { runCommand } from '../support/run-command.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { ATTACKS } from './all-attacks.ts'
import { formatRound, judgeSoak, soak } from './soak-rounds.ts'

const USAGE = `usage: node test/attacks/soak.ts [--minutes N] [--seconds N] [NAME…]
  --minutes N  how long the people work; default 30
  --seconds N  how long each attack goes on; default 6
  NAME         attacks of a round; default all`

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: 'string', default: '30' }, seconds: { type: 'string', default: '6' } },
  })
  const [minutes, seconds] = [Number(values.minutes), Number(values.seconds)]
  if (!(minutes > 0 && minutes <= 1_440)) throw new TypeError('--minutes is above 0, and at most 1,440')
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 600) throw new TypeError('--seconds is 1 to 600')
  for (const name of positionals) if (ATTACKS[name] === undefined) throw new TypeError(`there is no attack "${name}"`)
  return { minutes, seconds, names: positionals.length > 0 ? positionals : Object.keys(ATTACKS) }
}

async function main(): Promise<number> {
  const { minutes, seconds, names } = options()
  await using directory = await tempDirectory()
  const port = await freePort()
  const result = await soak({
    directory: directory.path,
    port,
    names,
    attackSeconds: seconds,
    soakSeconds: minutes * 60,
    calmSeconds: 2,
    restSeconds: 10,
    onRound: (round) => console.log(formatRound(round)),
  })
  const faults = judgeSoak(result)
  for (const fault of faults) console.log(`FAULT: ${fault}`)
  if (faults.length === 0) console.log(`${result.rounds.length} rounds: nothing was lost, and the memory stayed flat.`)
  return faults.length === 0 ? 0 : 1
}

await runCommand(main, USAGE)
