import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { parseLsn } from '../parse-lsn.ts'
import { STATE_BYTES_MAX } from './packed-snapshot.ts'

/** Throws `invalid` if the log can't take a snapshot at `lsn`. */
export function checkSnapshot(
  log: { workspace: string; head: Lsn; snapshotLsn: Lsn },
  { lsn, state, annex }: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array },
): void {
  const { workspace, head, snapshotLsn } = log
  if (parseLsn(lsn) > head || lsn <= snapshotLsn) {
    const bounds = `above ${snapshotLsn}, its last, up to ${head}, its head`
    throw new LogError('invalid', `a snapshot of workspace ${workspace} has to be ${bounds}: ${lsn} is not`)
  }
  const bytes = Math.max(state.byteLength, annex?.byteLength ?? 0)
  if (bytes <= STATE_BYTES_MAX) return
  throw new LogError('invalid', `a state or annex of ${bytes} bytes is over the ${STATE_BYTES_MAX} a snapshot takes`)
}

/** The first LSN that a read gives. Throws `invalid` if what it asks for was dropped. */
export function firstToRead(
  { workspace, firstLsn }: { workspace: string; firstLsn: Lsn },
  { after }: { after?: Lsn },
): number {
  if (after === undefined || after + 1 >= firstLsn) return after === undefined ? firstLsn : after + 1
  const message = `records of workspace ${workspace} before ${firstLsn} are dropped: go on from a snapshot`
  throw new LogError('invalid', message, { workspace })
}
