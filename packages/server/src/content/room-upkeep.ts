import type { KeepHistory, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import type { Counters } from '../counters.ts'
import type { RoomDocument } from './room-document.ts'

export interface UpkeepOptions {
  readonly counters: Counters
  readonly keepHistory: KeepHistory
  /** The process is about to end: what only speeds up the next load is left out. */
  isInHurry(): boolean
}

/**
 * Records after which a room at rest leaves a snapshot, and the share of the state's size they must have. Few: reading a
 * record costs as much memory as some kilobytes of state, and after a restart everybody comes back at once.
 */
const WORTH_RECORDS = 16
const WORTH_SHARE = 1 / 16
/** Records that are worth a snapshot however large the state is. */
const WORTH_RECORDS_ALWAYS = 1_000

/** Whether a room that goes to rest leaves a snapshot: what is read at the next join is then less than what is written now. */
export function isWorthKeeping(
  since: { readonly records: number; readonly bytes: number },
  stateBytes: number,
): boolean {
  if (since.records >= WORTH_RECORDS_ALWAYS) return true
  return since.records >= WORTH_RECORDS && since.bytes >= stateBytes * WORTH_SHARE
}

/**
 * Takes a snapshot of the document as of now, packs the records it covers, and drops what history is not kept of. Traffic goes on meanwhile.
 */
export async function keepUp(log: WorkspaceLog, document: RoomDocument, options: UpkeepOptions): Promise<void> {
  const lsn = log.head
  const { state, annex } = document.snapshot()
  if (lsn > log.snapshotLsn) {
    await log.snapshot({ lsn, state, annex })
    options.counters.snapshots++
  }
  const { records } = await log.seal({ through: lsn })
  options.counters.sealed += records
  const { keepHistory, counters } = options
  if (keepHistory === 'forever') return
  const { dropped } = await log.compact({ keepHistory, verify: (state) => verifyState(state, counters) })
  counters.dropped += dropped
}

/** Throws unless Yjs can build a document of `state`. */
function verifyState(state: Uint8Array, counters: Counters): void {
  const doc = new Y.Doc({ guid: '' })
  try {
    Y.applyUpdate(doc, state)
    counters.snapshotsVerified++
  } catch (error) {
    counters.snapshotsUnusable++
    throw error
  } finally {
    doc.destroy()
  }
}
