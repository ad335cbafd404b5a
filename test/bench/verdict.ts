import type { PeerName } from './peers.ts'
import type { Bound } from './rows.ts'

/** One figure of every peer that has it. */
export type PeerFigures = ReadonlyMap<PeerName, number>

/** Whether one bound holds: `unknown` when Joinery or the peer it is measured against has no figure. */
export interface Verdict {
  readonly bound: Bound
  readonly state: 'holds' | 'missed' | 'unknown'
  /** Joinery's figure as the bound counts it: itself, or as a multiple of the peer's. */
  readonly actual: number | undefined
}

export function judge(bounds: readonly Bound[], figures: PeerFigures): Verdict[] {
  return bounds.map((bound) => {
    const own = figures.get('joinery')
    const base = 'times' in bound ? figures.get(bound.times) : 1
    if (own === undefined || base === undefined || base <= 0) return { bound, state: 'unknown', actual: undefined }
    const actual = own / base
    return { bound, state: actual <= bound.atMost ? 'holds' : 'missed', actual }
  })
}
