/**
 * CPU cost of the law: `node test/bench/law.ts [--short] [--repeat N]`. The server's CPU per edit with blocks' rules beside the
 * same server without rules, then what statuses themselves cost (M7). Exit code 1 when a share is over its bound.
 */
import { fileURLToPath } from 'node:url'
import { startChild } from '../support/child-process.ts'
import { OptionsError, parseOptions } from './options.ts'
import type { Peer } from './peers.ts'
import type { Scale } from './rows.ts'
import { turnAbout } from './turn-about.ts'

/** CPU that the rules may cost ordinary typing, as a share of the server's CPU per edit without rules. */
const SHARE_MAX = 0.15
/**
 * The small rooms' row ends within half a second, most of which a fresh process spends compiling whatever code it runs:
 * with rules there is more of it. Ten times the edits show what typing pays.
 */
const LONGER = 10
const RULED = fileURLToPath(new URL('peers/ruled.ts', import.meta.url))
const GROWTH = fileURLToPath(new URL('../../packages/blocks/bench/growth.ts', import.meta.url))

function serverWith(rules: 'blocks' | 'open'): Peer {
  return {
    title: `Joinery, ${rules} rules`,
    wire: 'yjs',
    keepsDocuments: true,
    command: (port, directory) => ({ args: [RULED, String(port), directory, rules] }),
    ready: /listening/,
  }
}

/** Prints the cost of the rules on one row. Returns whether it keeps its bound. */
async function compare(row: 'small-rooms' | 'history', scale: Scale, repeat: number): Promise<boolean> {
  const pair = { without: serverWith('open'), with: serverWith('blocks') }
  const { without, with: blocks, share } = await turnAbout(pair, row, { scale, repeat, longer: LONGER })
  const isKept = share <= SHARE_MAX
  const cells = [
    `open ${without.toFixed(1)} µs`,
    `blocks ${blocks.toFixed(1)} µs`,
    `rules ${(share * 100).toFixed(1)} %`,
  ]
  console.log(`${row}: ${cells.join(', ')} (at most ${SHARE_MAX * 100} %: ${isKept ? 'holds' : 'MISSED'})`)
  return isKept
}

async function growth(): Promise<void> {
  const child = startChild({ args: [GROWTH] })
  const { code } = await child.exited
  if (code !== 0) throw new Error(child.output())
  console.log(child.stdout().trim())
}

try {
  const { scale, repeat } = parseOptions(process.argv.slice(2), {})
  const kept = [await compare('small-rooms', scale, repeat), await compare('history', scale, repeat)]
  if (scale === 'short') console.log('short: too little work for the figures to mean anything')
  await growth()
  process.exitCode = scale === 'full' && kept.includes(false) ? 1 : 0
} catch (error) {
  if (!(error instanceof OptionsError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
