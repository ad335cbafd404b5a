/** The CPU of one pair of rounds, µs of each server for one piece of the work. */
export interface PairOfRounds {
  readonly without: number
  readonly with: number
}

/** Two servers that do the same rounds. */
export interface Rounds {
  /** Does the next round on one of them. Resolves with its CPU for one piece of the work, µs. */
  run(one: 'without' | 'with'): Promise<number>
}

export interface Verdict extends PairOfRounds {
  /** `unknown`: the bound lies within the interval. */
  readonly state: 'holds' | 'missed' | 'unknown'
  /** Cost as a part of the CPU without: the median of all pairs, and the interval in which it lies. */
  readonly share: number
  readonly low: number
  readonly high: number
  readonly rounds: number
}

/** Pairs before the first look at the interval: the code of both servers is compiled by then. */
const WARM_UP = 4
const PAIRS_MIN = 12
/**
 * Quantile of the normal distribution for 99 of 100. The interval is looked at after each pair, and the first look that tells ends the rounds, which
 * makes an error likelier than one look would.
 */
const Z = 2.576

/**
 * Has both servers do rounds in turns, until the interval of the cost lies on one side of `max`, or the time is over. Each server is the first
 * in every other pair.
 */
export async function comparePaired(
  rounds: Rounds,
  { max, seconds, nowMs = () => performance.now() }: { max: number; seconds: number; nowMs?: () => number },
): Promise<Verdict> {
  const pairs: PairOfRounds[] = []
  const endsAtMs = nowMs() + seconds * 1_000
  for (let turn = 0; ; turn++) {
    const figures = { without: 0, with: 0 }
    const order = turn % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)
    for (const one of order) figures[one] = await rounds.run(one)
    if (turn >= WARM_UP) pairs.push(figures)
    const isOver = nowMs() >= endsAtMs
    if (pairs.length < PAIRS_MIN && !(isOver && pairs.length > 0)) continue
    const verdict = verdictOf(pairs, max)
    if (verdict.state !== 'unknown' || isOver) return verdict
  }
}

/** Judges pairs of rounds. The interval is that of a median, by ranks: it asks nothing of how the figures are distributed. */
export function verdictOf(pairs: readonly PairOfRounds[], max: number): Verdict {
  const shares = pairs.map((pair) => pair.with / pair.without - 1).sort((a, b) => a - b)
  const count = shares.length
  const apart = (Z * Math.sqrt(count)) / 2
  const rank = Math.floor((count - 1) / 2 - apart)
  // Of too few pairs, nothing is known.
  const low = rank < 0 ? Number.NEGATIVE_INFINITY : (shares[rank] ?? Number.NaN)
  const high = rank < 0 ? Number.POSITIVE_INFINITY : (shares[count - 1 - rank] ?? Number.NaN)
  const state = high <= max ? 'holds' : low > max ? 'missed' : 'unknown'
  const figures = {
    without: medianOf(pairs.map((pair) => pair.without)),
    with: medianOf(pairs.map((pair) => pair.with)),
  }
  return { state, share: medianOf(shares), low, high, rounds: count, ...figures }
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) / 2
  return ((sorted[Math.floor(at)] ?? Number.NaN) + (sorted[Math.ceil(at)] ?? Number.NaN)) / 2
}
