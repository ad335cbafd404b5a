import type { KeepHistory, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import type { Counters } from '../counters.ts'
import type { LoadTurns } from './load-turns.ts'
import type { RoomDocument } from './room-document.ts'
import { makeServerDoc } from './server-doc.ts'
import type { Pace } from './steps.ts'

export interface UpkeepOptions {
  readonly counters: Counters
  /** The turns in which the document is encoded. */
  readonly loadTurns: LoadTurns
  readonly keepHistory: KeepHistory
  /** Whether the process is about to end. Work that only speeds up the next load is then left out. */
  isInHurry(): boolean
}

/**
 * Records since the last snapshot from which on a room that closes or cools takes one, and the share of the state's
 * size that they must have. Low, since reading a record costs as much memory as some kilobytes of state, and after a
 * restart everybody reconnects at once.
 */
const WORTH_RECORDS = 16
const WORTH_SHARE = 1 / 16
/** Records from which on a snapshot is taken, however large the state is. */
const WORTH_RECORDS_ALWAYS = 1_000

/**
 * Whether a room that closes or cools takes a snapshot: when the next join saves more reading than the snapshot costs
 * writing.
 */
export function isWorthKeeping(
  since: { readonly records: number; readonly bytes: number },
  stateBytes: number,
): boolean {
  if (since.records >= WORTH_RECORDS_ALWAYS) return true
  return since.records >= WORTH_RECORDS && since.bytes >= stateBytes * WORTH_SHARE
}

/**
 * Takes a snapshot of the document, packs the records that it covers, and drops the history that is not kept. Traffic goes on
 * meanwhile: the snapshot is of the turn in which its last part is encoded.
 */
export async function keepUp(log: WorkspaceLog, document: RoomDocument, options: UpkeepOptions): Promise<void> {
  const { lsn, state, annex } = await options.loadTurns.run(snapshotting(log, document, options.loadTurns.pace))
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

function* snapshotting(log: WorkspaceLog, document: RoomDocument, pace: Pace) {
  const made = yield* document.snapshotting(pace)
  return { lsn: log.head, ...made }
}

/** Throws unless Yjs can build a document from `state`. */
function verifyState(state: Uint8Array, counters: Counters): void {
  const doc = makeServerDoc()
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
