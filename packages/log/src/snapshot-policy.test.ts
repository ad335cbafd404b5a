import { describe, expect, it } from 'vitest'
import { isSnapshotDue, SNAPSHOT_POLICY_DEFAULT } from './snapshot-policy.ts'

const MiB = 1024 * 1024
const since = { records: 1, bytes: 100, ms: 0, stateBytes: 0 }

describe('snapshot policy', () => {
  it('[L39] a snapshot is due after the records, the bytes or the time of the policy, whichever is first', () => {
    const { records, bytes, ms } = SNAPSHOT_POLICY_DEFAULT
    expect([records, bytes, ms]).toEqual([1_000, 100 * MiB, 300_000])
    expect(isSnapshotDue({ ...since, records: records - 1, bytes: bytes - 1, ms: ms - 1 })).toBe(false)
    expect(isSnapshotDue({ ...since, records })).toBe(true)
    expect(isSnapshotDue({ ...since, bytes })).toBe(true)
    expect(isSnapshotDue({ ...since, ms })).toBe(true)
    expect(isSnapshotDue({ ...since, records: 5 }, { records: 5, bytes, ms })).toBe(true)
  })

  it('[L39] no snapshot is due without a record since the last', () => {
    expect(isSnapshotDue({ ...since, records: 0, ms: 10 ** 9, bytes: 10 ** 9 })).toBe(false)
  })

  it('[L39] a snapshot is due sooner when records come fast, but never for a handful', () => {
    expect(isSnapshotDue({ ...since, records: 300, recordsPerSecond: 20 })).toBe(true)
    expect(isSnapshotDue({ ...since, records: 300, recordsPerSecond: 40 })).toBe(false)
    expect(isSnapshotDue({ ...since, records: 99, recordsPerSecond: 1 })).toBe(false)
    expect(isSnapshotDue({ ...since, records: 1_000, recordsPerSecond: 100_000 })).toBe(true)
  })

  it('[L39] a snapshot is due when the records weigh a quarter of the state', () => {
    expect(isSnapshotDue({ ...since, bytes: 2 * MiB - 1, stateBytes: 8 * MiB })).toBe(false)
    expect(isSnapshotDue({ ...since, bytes: 2 * MiB, stateBytes: 8 * MiB })).toBe(true)
    expect(isSnapshotDue({ ...since, bytes: 100_000, stateBytes: 1_000 })).toBe(false)
  })

  it('[L39] a large state waits for more records and longer, in proportion', () => {
    expect(isSnapshotDue({ ...since, records: 1_999, ms: 599_999, stateBytes: 8 * MiB })).toBe(false)
    expect(isSnapshotDue({ ...since, records: 2_000, stateBytes: 8 * MiB })).toBe(true)
    expect(isSnapshotDue({ ...since, ms: 600_000, stateBytes: 8 * MiB })).toBe(true)
  })
})
