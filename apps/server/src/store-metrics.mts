import type { LogObserver } from '@joinery/log'
import { Counter, Gauge, type Registry } from 'prom-client'
import { tallyHistogram } from './tally-histogram.mts'

/** Buckets from a fast disk's fsync to that of a failing disk, seconds. */
const LATENCY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** Buckets from an outage that nobody notices to one that everybody does, seconds. */
const OUTAGE_BUCKETS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800]
const GROUP_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000]

/**
 * Adds the log's own metrics to `registry`; returns the observer that fills them. Counters of each append are plain sums
 * until the metrics are read.
 */
export function createStoreMetrics(registry: Registry): LogObserver {
  const registers = [registry]
  const sums = new Map<string, number>()
  const counter = (name: string, help: string): ((by: number) => void) => {
    const metric = new Counter({
      name: `joinery_${name}_total`,
      help,
      registers,
      collect() {
        metric.reset()
        metric.inc(sums.get(name) ?? 0)
      },
    })
    return (by) => void sums.set(name, (sums.get(name) ?? 0) + by)
  }
  const histogram = (name: string, help: string, buckets: readonly number[]) =>
    tallyHistogram(registry, { name: `joinery_${name}`, help, buckets })
  const updateBytes = counter('log_update_bytes', 'Bytes of updates as they were given to the log')
  const storedBytes = counter(
    'log_stored_bytes',
    'Bytes of the same updates as they are stored, compressed where that makes them smaller',
  )
  const appendSeconds = histogram('log_append_seconds', 'Time to write one batch into the database', LATENCY_BUCKETS)
  const groupRecords = histogram('log_group_records', 'Records that shared one batch', GROUP_BUCKETS)
  const fsyncSeconds = histogram('log_fsync_seconds', 'Time of one fsync together with its batch', LATENCY_BUCKETS)
  const durableSeconds = histogram('log_durable_seconds', 'Time from an append until it is durable', LATENCY_BUCKETS)
  const snapshots = counter('snapshots', 'Snapshots written')
  const stateBytes = counter('snapshot_state_bytes', 'Bytes of the states in those snapshots')
  const snapshotBytes = counter('snapshot_stored_bytes', 'Bytes of the same states as they are stored')
  const sealedSegments = counter('sealed_segments', 'Segments written')
  const sealedRecords = counter('sealed_records', 'Records packed into segments')
  const sealedBefore = counter('sealed_before_bytes', 'Bytes of those records before they were packed')
  const sealedAfter = counter('sealed_after_bytes', 'Bytes of those records after they were packed')
  const recoverySeconds = histogram(
    'log_recovery_seconds',
    'Time from a storage failure until storage worked again',
    OUTAGE_BUCKETS,
  )
  const clockBehind = counter('log_clock_behind', 'Records whose time runs ahead of the clock, which was set back')
  const damages = counter('log_damages', 'Records and snapshots found damaged')
  const lastDamage = new Gauge({
    name: 'joinery_log_last_damage_timestamp_seconds',
    help: 'Time when damage was last found; 0 for never',
    registers,
  })
  lastDamage.set(0)
  return {
    appended: (bytes, stored) => {
      updateBytes(bytes)
      storedBytes(stored)
    },
    written: (ms, records) => {
      appendSeconds(ms / 1_000)
      if (records > 0) groupRecords(records)
    },
    synced: (ms) => fsyncSeconds(ms / 1_000),
    durable: (ms) => durableSeconds(ms / 1_000),
    snapshotted: (_ms, bytes, stored) => {
      snapshots(1)
      stateBytes(bytes)
      snapshotBytes(stored)
    },
    sealed: (records, before, after) => {
      sealedSegments(1)
      sealedRecords(records)
      sealedBefore(before)
      sealedAfter(after)
    },
    clockBehind: () => clockBehind(1),
    recovered: (ms) => recoverySeconds(ms / 1_000),
    damaged: () => {
      damages(1)
      lastDamage.setToCurrentTime()
    },
  }
}
