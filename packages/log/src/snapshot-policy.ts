/** When a snapshot is due: whichever bound is reached first. */
export interface SnapshotPolicy {
  readonly records: number
  /** Of records, as stored. */
  readonly bytes: number
  /** Since the last snapshot, or since the first record after it. */
  readonly ms: number
}

/** 1,000 records load in tens of milliseconds; five minutes bound what a quiet workspace has to replay after a crash. */
export const SNAPSHOT_POLICY_DEFAULT: SnapshotPolicy = { records: 1_000, bytes: 100 * 1024 * 1024, ms: 5 * 60_000 }

/** Where a workspace stands since its last snapshot. */
export interface SinceSnapshot {
  readonly records: number
  readonly bytes: number
  readonly ms: number
  /** Of the state as it was at that snapshot, or is expected to be; 0 if not known. */
  readonly stateBytes: number
  /** Records per second, lately. */
  readonly recordsPerSecond?: number
}

/** A busy workspace is snapshotted at least this often, as far as its state is small: what is replayed is downtime. */
const BUSY_SECONDS = 10
/** Never for fewer records than this, however fast they come: a snapshot costs as much as some dozens of records. */
const BUSY_RECORDS_MIN = 100
/** Replaying so many bytes of records takes about as long as loading one such part of a state (measured on typing: 1/4). */
const BYTES_PART_OF_STATE = 1 / 4
/** So small a state is loaded in no time: the other bounds do. */
const BYTES_PART_MIN = 256 * 1024
/** Writing a state of this size costs what writing a thousand records does; larger ones wait for proportionally more. */
const STATE_BYTES_PER_BOUND = 4 * 1024 * 1024

/**
 * Whether a snapshot is due. Tightened when records come fast (10 s worth of them is enough) and when they are large
 * beside the state (a quarter of it); loosened in proportion for states above 4 MiB, so that writing states never costs
 * much more than writing the records themselves.
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
