import type { LogError } from './log-error.ts'

/** What was cut off a manifest that power loss had left with an end that is none. */
export interface ManifestCut {
  readonly manifest: string
  /** Bytes that it has now. */
  readonly offset: number
  /** Bytes that were behind. */
  readonly bytes: number
  /** The file of the directory that holds these. */
  readonly keptIn: string
}

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
