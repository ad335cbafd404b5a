/**
 * CPU cost of the checks: `npm run bench:checks -- [--rows small-rooms,history] [--short] [--seconds N]`. The server's CPU beside the same
 * server that inspects no update and books no cost. Exit code 1 when a share is over its bound.
 *
 * Both servers run all the time, each in a process of its own, and get the same edits in short rounds, one after the other. A round counts
 * the CPU of its server alone. The figure is the median of the ratios of neighbours, with the interval in which it lies with 99 %: other
 * load on the machine widens the interval, and does not move the figure. Rounds follow until the interval is on one side of the bound.
 */
import { parseArgs } from 'node:util'
import { OptionsError } from './options.ts'
import { comparePaired, type Verdict } from './paired.ts'
import { openRounds, type RoundKind } from './rounds.ts'

/** CPU that inspection and ledger may cost, as a share of the server's CPU without them. */
const SHARE_MAX: Readonly<Record<RoundKind, number>> = { 'small-rooms': 0.1, history: 0.05 }
/** Time for each row, s: both end within four minutes. */
const SECONDS = 110

function readOptions(args: readonly string[]): { readonly rows: RoundKind[]; readonly seconds: number } {
  const { values } = parseArgs({
    args: [...args],
    options: { rows: { type: 'string' }, seconds: { type: 'string' }, short: { type: 'boolean', default: false } },
  })
  const kinds = Object.keys(SHARE_MAX) as RoundKind[]
  const asked = values.rows?.split(',') ?? kinds
  const unknown = asked.filter((row) => !kinds.includes(row as RoundKind))
  if (unknown.length > 0) throw new OptionsError(`no such rows: ${unknown.join(', ')}; there are ${kinds.join(', ')}`)
  const seconds = values.seconds === undefined ? (values.short ? 5 : SECONDS) : Number(values.seconds)
  if (!(seconds > 0)) throw new OptionsError('--seconds is a number of seconds above 0')
  return { rows: asked as RoundKind[], seconds }
}

function describe(row: RoundKind, { state, share, low, high, rounds, without, with: withChecks }: Verdict): string {
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`
  const figures = `without ${without.toFixed(1)} µs, with ${withChecks.toFixed(1)} µs of CPU each`
  const cost = `checks ${percent(share)} (${percent(low)} to ${percent(high)}, ${rounds} pairs of rounds)`
  const verdicts = { holds: 'holds', missed: 'MISSED', unknown: 'not told apart: give it more --seconds' }
  return `${row}: ${figures}, ${cost}; at most ${percent(SHARE_MAX[row])}: ${verdicts[state]}`
}

try {
  const { rows, seconds } = readOptions(process.argv.slice(2))
  for (const row of rows) {
    await using rounds = await openRounds(row)
    const verdict = await comparePaired(rounds, { max: SHARE_MAX[row], seconds })
    console.log(describe(row, verdict))
    if (verdict.state === 'missed') process.exitCode = 1
  }
} catch (error) {
  if (!(error instanceof OptionsError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
