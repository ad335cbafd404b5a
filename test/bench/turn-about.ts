import { percentile } from './load/percentile.ts'
import { measure } from './measure.ts'
import type { Peer } from './peers.ts'
import { ROWS, type Scale } from './rows.ts'

/** The bound on V8's young generation that the `joinery` command sets. */
const NODE_ARGS = ['--max-semi-space-size=16']

/** The same server without something and with it. */
export interface Pair {
  readonly without: Peer
  readonly with: Peer
}

/** CPU per edit of each server, µs, and the part that the thing costs beside the server without it. All are medians. */
export interface Share {
  readonly without: number
  readonly with: number
  readonly share: number
}

/**
 * Lets both servers of a pair do one row, in turns, so that a machine that slows down slows both.
 *
 * @param longer the factor by which the edits of a row of rooms are more: a short row measures what a fresh process compiles
 */
export async function turnAbout(
  pair: Pair,
  row: 'small-rooms' | 'history',
  { scale, repeat, longer }: { readonly scale: Scale; readonly repeat: number; readonly longer: number },
): Promise<Share> {
  const figures = { without: [] as number[], with: [] as number[] }
  const cpuPerEdit = async (peer: Peer): Promise<number> => {
    const { work } = ROWS[row].work(scale, undefined)
    const longerWork = work.kind === 'fanOut' ? { ...work, editsPerWriter: work.editsPerWriter * longer } : work
    const { cpuMicrosPerEdit } = await measure(peer, { work: longerWork }, NODE_ARGS)
    if (cpuMicrosPerEdit === undefined) throw new Error(`${row} gave no CPU per edit`)
    return cpuMicrosPerEdit
  }
  for (let turn = 0; turn < repeat; turn++) {
    const order = turn % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)
    for (const one of order) figures[one].push(await cpuPerEdit(pair[one]))
  }
  // Ratios of neighbours in time: a machine that gets busy in the middle changes both of a pair.
  const ratios = figures.with.map((cpu, turn) => cpu / (figures.without[turn] ?? Number.NaN))
  const median = (values: readonly number[]): number => percentile([...values], 0.5)
  return { without: median(figures.without), with: median(figures.with), share: median(ratios) - 1 }
}
