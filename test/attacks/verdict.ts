import type { Latency } from './bystander-load.ts'
import type { Figures } from './measure.ts'

/** A bystander's p99 may be this, or ten times what it was before, whichever is greater. */
const P99_MS = 250
const P99_TIMES = 10

/** The greatest p99 that an attack may bring about, ms. */
export function boundOf(before: Latency): number {
  return Math.max(P99_MS, P99_TIMES * before.p99)
}

/** The harm that an attack did to others. Empty if the bound holds. */
export function faultsOf({ before, during, lost, died }: Figures): string[] {
  const faults: string[] = []
  if (died !== undefined) faults.push(`the server ended: ${died}`)
  for (const kind of ['typing', 'http'] as const) {
    const bound = boundOf(before[kind])
    const { p99 } = during[kind]
    if (!(p99 <= bound))
      faults.push(`p99 of ${kind} is ${Math.round(p99)} ms, and at most ${Math.round(bound)} ms is allowed`)
  }
  return [...faults, ...lost]
}
