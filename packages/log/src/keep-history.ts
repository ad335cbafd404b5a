import type { KeepHistory } from './event-store.ts'
import { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'

const MS_PER_DAY = 86_400_000

/** Throws `invalid` unless it says how much history is kept. */
export function checkKeepHistory(keep: KeepHistory): void {
  if (keep === 'forever') return
  const amount = 'days' in keep ? keep.days : keep.events
  if (Number.isFinite(amount) && amount >= 0) return
  throw new LogError(
    'invalid',
    `${amount} is no number of days or events to keep: give 0 or more, or keep history forever`,
  )
}

/**
 * The last record that may be dropped. The head is never dropped. `lsnAt` finds the last record at or before a time.
 */
export async function lastToGo(
  keep: KeepHistory,
  { head, now, lsnAt }: { head: Lsn; now: number; lsnAt: (at: number) => Promise<Lsn> },
): Promise<Lsn> {
  if (keep === 'forever') return 0 as Lsn
  const last = 'days' in keep ? await lsnAt(now - keep.days * MS_PER_DAY) : head - Math.ceil(keep.events)
  return Math.max(0, Math.min(last, head - 1)) as Lsn
}
