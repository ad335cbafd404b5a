/**
 * CPU cost of the checks: `npm run bench:checks -- [--rows small-rooms,history] [--short] [--repeat N]`. The server's CPU per edit beside the same server that
 * inspects no update and books no cost. Exit code 1 when a share is over its bound.
 */
import { fileURLToPath } from 'node:url'
import { OptionsError, parseOptions } from './options.ts'
import type { Peer } from './peers.ts'
import type { Scale } from './rows.ts'
import { turnAbout } from './turn-about.ts'

/** CPU that inspection and ledger may cost, as a share of the server's CPU per edit without them. */
const SHARE_MAX = { 'small-rooms': 0.1, history: 0.05 } as const
const CHECKED = fileURLToPath(new URL('peers/checked.ts', import.meta.url))

function server(name: 'with' | 'without'): Peer {
  return {
    title: `Joinery ${name} inspection and ledger`,
    wire: 'yjs',
    keepsDocuments: true,
    command: (port, directory) => ({ args: [CHECKED, String(port), directory, name] }),
    ready: /listening/,
  }
}

/** Prints the cost of the checks on one row. Returns whether it keeps its bound. */
async function compare(row: keyof typeof SHARE_MAX, scale: Scale, repeat: number, longer: number): Promise<boolean> {
  const pair = { with: server('with'), without: server('without') }
  const figures = await turnAbout(pair, row, { scale, repeat, longer })
  const max = SHARE_MAX[row]
  const isKept = figures.share <= max
  const cells = [
    `without ${figures.without.toFixed(2)} µs`,
    `with ${figures.with.toFixed(2)} µs`,
    `checks ${(figures.share * 100).toFixed(1)} %`,
  ]
  const title = longer === 1 ? row : `${row}, ${longer} times the edits`
  console.log(`${title}: ${cells.join(', ')} (at most ${max * 100} %: ${isKept ? 'holds' : 'MISSED'})`)
  return isKept
}

try {
  const { rows, scale, repeat } = parseOptions(process.argv.slice(2), {})
  const kept: boolean[] = []
  if (rows.includes('small-rooms')) {
    // The row itself ends within half a second, most of which a fresh process spends compiling. Ten times the edits show what typing pays.
    for (const longer of [1, 10]) kept.push(await compare('small-rooms', scale, repeat, longer))
  }
  if (rows.includes('history')) kept.push(await compare('history', scale, repeat, 1))
  if (scale === 'short') console.log('short: too little work for the figures to mean anything')
  process.exitCode = scale === 'full' && kept.includes(false) ? 1 : 0
} catch (error) {
  if (!(error instanceof OptionsError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
