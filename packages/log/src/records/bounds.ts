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

/** Throws `invalid` if the log has no record at `lsn`, and never had. */
export function checkChained({ workspace, head }: { workspace: string; head: Lsn }, lsn: Lsn): void {
  if (parseLsn(lsn) <= head) return
  throw new LogError('invalid', `workspace ${workspace} has no chain value at ${lsn}: its head is ${head}`, {
    workspace,
  })
}
