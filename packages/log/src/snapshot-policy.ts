/** The bounds on what is replayed. A snapshot is due when the first of them is reached. */
export interface SnapshotPolicy {
  readonly records: number
  /** Bytes of the records since the last snapshot, as stored. */
  readonly bytes: number
  /** Time since the last snapshot, or since the first record after it. */
  readonly ms: number
}

/** 1,000 records load in tens of milliseconds. Five minutes limit what a quiet workspace replays after a crash. */
export const SNAPSHOT_POLICY_DEFAULT: SnapshotPolicy = { records: 1_000, bytes: 100 * 1024 * 1024, ms: 5 * 60_000 }

/** The growth of a workspace since its last snapshot. */
export interface SinceSnapshot {
  readonly records: number
  readonly bytes: number
  readonly ms: number
  /** Bytes of the state at that snapshot, or an estimate of them; 0 if not known. */
  readonly stateBytes: number
  /** Records per second at present. */
  readonly recordsPerSecond?: number
}

/** A busy workspace with a small state gets a snapshot at least this often: replaying the records since is downtime. */
const BUSY_SECONDS = 10
/**
 * The fewest records that are worth a snapshot, however fast they come: a snapshot costs as much as some dozens of
 * records.
 */
const BUSY_RECORDS_MIN = 100
/**
 * Replaying this many bytes of records takes about as long as loading a state of one byte (measured on typing: 1/4).
 */
const BYTES_PART_OF_STATE = 1 / 4
/** Below this many bytes of records the other bounds are enough: a small state loads in no time. */
const BYTES_PART_MIN = 256 * 1024
/** Writing a state of this size costs as much as writing a thousand records. Larger states wait in proportion. */
const STATE_BYTES_PER_BOUND = 4 * 1024 * 1024

/**
 * Whether a snapshot is due. It is due earlier when records come fast (10 s worth of them is enough) and when they are
 * large beside the state (a quarter of it). It is due later in proportion to the size of a state above 4 MiB, so that
 * writing states never costs much more than writing the records themselves.
 */
export function isSnapshotDue(since: SinceSnapshot, policy: SnapshotPolicy = SNAPSHOT_POLICY_DEFAULT): boolean {
  const { records, bytes, ms, stateBytes, recordsPerSecond = 0 } = since
  if (records <= 0) return false
  const heavy = Math.max(1, stateBytes / STATE_BYTES_PER_BOUND)
  const busy = recordsPerSecond > 0 ? Math.max(BUSY_RECORDS_MIN, recordsPerSecond * BUSY_SECONDS) : Infinity
  if (records >= Math.min(policy.records, busy) * heavy) return true
  const part = stateBytes > 0 ? Math.max(BYTES_PART_MIN, stateBytes * BYTES_PART_OF_STATE) : Infinity
  if (bytes >= Math.min(policy.bytes, part)) return true
  return ms >= policy.ms * heavy
}
