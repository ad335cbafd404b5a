import type { HistoryMark, LogOrigin, LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { parseLsn } from '../parse-lsn.ts'
import { isMessageChain } from './history-mark.ts'
import { STATE_BYTES_MAX } from './packed-snapshot.ts'

/** Throws `invalid` if the log can't take a snapshot at `lsn`. */
export function checkSnapshot(
  log: { workspace: string; head: Lsn; snapshotLsn: Lsn },
  { lsn, state, annex }: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array },
): void {
  const { workspace, head, snapshotLsn } = log
  if (parseLsn(lsn) > head || lsn <= snapshotLsn) {
    const bounds = `above its last snapshot (${snapshotLsn}) and at most its head (${head})`
    throw new LogError('invalid', `workspace ${workspace} takes no snapshot at ${lsn}: it has to be ${bounds}`)
  }
  const bytes = Math.max(state.byteLength, annex?.byteLength ?? 0)
  if (bytes <= STATE_BYTES_MAX) return
  throw new LogError(
    'invalid',
    `a state or annex of ${bytes} bytes is too large: a snapshot takes at most ${STATE_BYTES_MAX}`,
  )
}

/** The first LSN that a read gives. Throws `invalid` if the read asks for dropped records. */
export function firstToRead(
  { workspace, firstLsn }: { workspace: string; firstLsn: Lsn },
  { after }: { after?: Lsn },
): number {
  if (after === undefined || after + 1 >= firstLsn) return after === undefined ? firstLsn : after + 1
  const message = `records of workspace ${workspace} before ${firstLsn} are dropped: read on from a snapshot`
  throw new LogError('invalid', message, { workspace })
}

/** Throws `invalid` unless the log can take these records of a history, and the mark after them. */
export function checkAdopted(
  log: { workspace: string; head: Lsn; snapshotLsn: Lsn; generation: string | undefined },
  records: readonly LogRecord[],
  mark: HistoryMark,
  origin?: LogOrigin,
): void {
  const { workspace, generation } = log
  const head = origin?.lsn ?? log.head
  const refuse = (reason: string): LogError =>
    new LogError('invalid', `workspace ${workspace} does not take records of a history: ${reason}`, { workspace })
  if (origin !== undefined && (log.head > 0 || log.snapshotLsn > 0 || records.length === 0)) {
    throw refuse('a beginning comes with the first record, before all others')
  }
  for (const [n, { lsn }] of records.entries()) {
    if (lsn !== head + 1 + n) throw refuse(`record ${lsn} does not follow ${head + n}`)
  }
  const { sequence, epoch, lsn, chain } = mark
  for (const count of [sequence, epoch, lsn]) parseLsn(count)
  if (!isMessageChain(chain)) throw refuse('the chain value of the mark has to be 16 hexadecimal digits')
  if (lsn > head + records.length) throw refuse(`the mark is at ${lsn}, and the last record ${head + records.length}`)
  if (records.length > 0 && mark.generation === undefined) throw refuse('the mark names no generation')
  if (log.head === 0 || mark.generation === undefined || mark.generation === generation) return
  throw refuse(`it is of generation ${mark.generation}, and the log of ${generation}`)
}

/** Throws `invalid` unless the records after `lsn` can be cut off. `keptLsn` is the last record that must stay. */
export function checkCut(
  log: { workspace: string; head: Lsn; firstLsn: Lsn; snapshotLsn: Lsn },
  lsn: Lsn,
  keptLsn: number,
): void {
  const { workspace, head, firstLsn, snapshotLsn } = log
  const lowest = Math.max(keptLsn, snapshotLsn, firstLsn - 1)
  if (lsn >= lowest && lsn <= head) return
  const message = `workspace ${workspace} can't be cut off after record ${lsn}: it has to be from ${lowest} to ${head}`
  throw new LogError('invalid', message, { workspace })
}

/** Throws `invalid` if the log has no record at `lsn`, and never had. */
export function checkChained({ workspace, head }: { workspace: string; head: Lsn }, lsn: Lsn): void {
  if (parseLsn(lsn) <= head) return
  throw new LogError('invalid', `workspace ${workspace} has no chain value at ${lsn}: its head is ${head}`, {
    workspace,
  })
}
