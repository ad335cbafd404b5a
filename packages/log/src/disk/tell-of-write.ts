import type { LogObserver } from '../observer.ts'
import { KIND } from '../records/key.ts'
import type { Write } from '../records/write.ts'

/** Tells the observer of one batch that took `ms` to write. Counts only if the observer listens. */
export function tellOfWrite(
  observer: LogObserver | undefined,
  writes: readonly Write[],
  ms: number,
  isSynced: boolean,
): void {
  if (isSynced) observer?.synced?.(ms)
  if (observer?.written === undefined) return
  let bytes = 0
  for (const write of writes) bytes += write.key.byteLength + (write.type === 'put' ? write.value.byteLength : 0)
  observer.written(ms, countRecords(writes), bytes)
}

export function countRecords(writes: readonly Write[]): number {
  let records = 0
  for (const { type, key } of writes) if (type === 'put' && key[0] === KIND.record) records++
  return records
}
