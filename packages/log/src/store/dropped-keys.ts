import type { Lsn } from '../lsn.ts'
import { KIND, ownRange } from '../records/key.ts'
import { decodeKeyEntry } from '../records/key-entry.ts'
import type { StoredLog } from './stored-records.ts'

/** Most keys that are given at once. */
const KEYS_AT_ONCE = 10_000

/**
 * Idempotency keys of records before `firstLsn`. Keys of kept records are made again from the records. Throws
 * `corrupted` at a damaged entry, unless `ifDamaged` accepts it.
 */
export async function* droppedKeys(
  log: StoredLog,
  firstLsn: Lsn,
  ifDamaged?: (error: unknown) => undefined,
): AsyncGenerator<[string, Lsn][]> {
  let keys: [string, Lsn][] = []
  const range = ownRange(KIND.idempotency, log.number)
  for await (const [key, value] of log.moment.entries(range)) {
    const lsn = lsnOfEntry(log, key, value, ifDamaged)
    if (lsn === undefined || lsn >= firstLsn) continue
    keys.push([Buffer.from(key.subarray(range.gte.byteLength)).toString(), lsn])
    if (keys.length < KEYS_AT_ONCE) continue
    yield keys
    keys = []
  }
  if (keys.length > 0) yield keys
}

function lsnOfEntry(
  { workspace }: StoredLog,
  key: Uint8Array,
  value: Uint8Array,
  ifDamaged?: (error: unknown) => undefined,
): Lsn | undefined {
  try {
    return decodeKeyEntry(workspace, key, value)
  } catch (error) {
    if (ifDamaged === undefined) throw error
    return ifDamaged(error)
  }
}
