import { KIND } from './key.ts'
import type { ManifestCut } from './leveldb/torn-manifest.ts'
import type { LogError } from './log-error.ts'
import type { Write } from './write.ts'

/** Told what a store does, for metrics. Called at once, in the middle of it: must be quick and must not throw. */
export interface LogObserver {
  /** An update as it was given and as it is stored. */
  appended?(bytes: number, storedBytes: number): void
  /** One batch is written; without `sync` that means to the page cache. */
  written?(ms: number, records: number, bytes: number): void
  /** One fsync, with the write it came with. */
  synced?(ms: number): void
  /** From the first append of a group to its being durable. */
  durable?(ms: number, records: number): void
  snapshotted?(ms: number, bytes: number, storedBytes: number): void
  sealed?(records: number, bytesBefore: number, bytesAfter: number): void
  /** A failed store works again, after so long. */
  recovered?(ms: number): void
  /** A record or snapshot that can't be read. */
  damaged?(error: LogError): void
  /** Power had been lost: what LevelDB was just noting in its manifest was cut off, which it had relied on nowhere. */
  manifestCut?(cut: ManifestCut): void
}

/** Tells of one batch that took `ms` to write. Counts only if somebody listens. */
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
