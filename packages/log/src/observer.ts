import type { LogError } from './log-error.ts'

/** A part of LevelDB's manifest that was cut off: power loss had left it there, and it was no whole edit. */
export interface ManifestCut {
  readonly manifest: string
  /** Bytes that the manifest has now. */
  readonly offset: number
  /** Bytes that were cut off. */
  readonly bytes: number
  /** Name of the file in the directory that holds the bytes cut off. */
  readonly keptIn: string
}

/**
 * Hears what a store does, for metrics. Each method is called in the middle of that work: it must be quick and must not
 * throw.
 */
export interface LogObserver {
  /** Called at each append with the bytes of the update, as given and as stored. */
  appended?(bytes: number, storedBytes: number): void
  /** One batch was written. Without an fsync it is in the page cache only. */
  written?(ms: number, records: number, bytes: number): void
  /** One fsync was made, together with the write that asked for it. */
  synced?(ms: number): void
  /** A group became durable `ms` after its first append. */
  durable?(ms: number, records: number): void
  /** A record got a time that is so far ahead of the clock, ms: the clock was set back. At every such record. */
  clockBehind?(ms: number): void
  snapshotted?(ms: number, bytes: number, storedBytes: number): void
  sealed?(records: number, bytesBefore: number, bytesAfter: number): void
  /** A failed store works again, `ms` after it failed. */
  recovered?(ms: number): void
  /** A record or snapshot could not be read. */
  damaged?(error: LogError): void
  /** The torn end of the manifest was cut off after a power loss. LevelDB had not relied on it anywhere. */
  manifestCut?(cut: ManifestCut): void
}
