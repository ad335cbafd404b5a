/**
 * Attacks a real server with a heap of 1 GB, one attack at a time, beside people at work in a workspace of their own. Prints what
 * the people noticed, what the server's memory did, and what the attacker was told. Exit code 1 when an attack harmed the
 * people or the server, 2 on a wrong command line.
 *
 * Beside other work on the machine, run it by `nice -n -15`. Under a real-time policy (`chrt -r`) the threads of trials are as urgent as the
 * one that serves, and people wait for these: that is no fault of the server.
 */
import { parseArgs } from 'node:util'
import { runCommand } from '../support/run-command.ts'
import { ATTACKS } from './all-attacks.ts'
import { measureAttack } from './measure.ts'
import { formatFigures, TABLE_HEAD } from './table.ts'
import { faultsOf } from './verdict.ts'

const USAGE = `usage: node test/attacks/run.ts [NAME…] [--seconds N] [--tries N] [--list]
  NAME         attacks to run; default all
  --seconds N  how long each attack goes on; default 10
  --tries N    how often an attack is made that seems harmful; default 3. Only one that is harmful each time counts: other
               work on the machine can make people wait, too
  --list       print the names, and what each attack does`

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '10' },
      tries: { type: 'string', default: '3' },
      list: { type: 'boolean', default: false },
    },
  })
  const [seconds, tries] = [Number(values.seconds), Number(values.tries)]
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 3_600) throw new TypeError('--seconds is 1 to 3,600')
  if (!Number.isInteger(tries) || tries < 1 || tries > 10) throw new TypeError('--tries is 1 to 10')
  for (const name of positionals) {
    if (ATTACKS[name] === undefined) throw new TypeError(`there is no attack "${name}"; --list prints all`)
  }
  return { seconds, tries, isList: values.list, names: positionals.length > 0 ? positionals : Object.keys(ATTACKS) }
}

/** Makes one attack until it does no harm, at most `tries` times. Returns whether it did harm each time. */
async function isHarmful(name: string, seconds: number, tries: number): Promise<boolean> {
  for (let left = tries; left > 0; left--) {
    const figures = await measureAttack(name, { beforeSeconds: 4, attackSeconds: seconds, afterSeconds: 4 })
    const faults = faultsOf(figures)
    console.log(formatFigures(name, figures, faults))
    if (faults.length === 0) return false
  }
  return true
}

async function main(): Promise<number> {
  const { seconds, tries, isList, names } = options()
  if (isList) {
    for (const [name, { title }] of Object.entries(ATTACKS)) console.log(`${name.padEnd(22)} ${title}`)
    return 0
  }
  const harmful: string[] = []
  console.log(TABLE_HEAD)
  for (const name of names) if (await isHarmful(name, seconds, tries)) harmful.push(name)
  console.log(harmful.length === 0 ? `The bound holds for all ${names.length}.` : `Harmful: ${harmful.join(', ')}`)
  return harmful.length === 0 ? 0 : 1
}

await runCommand(main, USAGE)
