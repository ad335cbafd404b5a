import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Lsn, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import { historyDropped } from '../server-error.ts'
import { Stamps } from './stamps.ts'
import { findStart } from './stored-state.ts'

/** A point in a workspace's history: after the record `lsn`, or as it stood at a time (ms since epoch). */
export type Point = { readonly lsn: number } | { readonly at: number }

/** A workspace as it stood at one point of its history. */
export interface Past {
  /** LSN of the last record it holds; 0 before the first. */
  readonly lsn: number
  /** Time of that record, ms since epoch; 0 before the first. */
  readonly at: number
  /** A document that belongs to the caller, who destroys it. Edits in it reach nobody. */
  readonly doc: Y.Doc
  /** The last stamp of every path, as of this point. */
  readonly stamps: Stamps
}

/** The way in which a long read is done. */
export interface Pace {
  /** Does one part of the work, in this turn of the event loop. */
  part<T>(work: () => T): T
  /** Waits between two parts, so that others have their turns. */
  pause(): Promise<unknown>
}

const AT_EASE: Pace = { part: (work) => work(), pause: () => nextTurn() }

/** Records applied in one transaction, at most: there are many records, and each transaction has its cost. */
const CHUNK = 1_000
/**
 * Bytes of updates applied in one transaction, at most: some 20 ms of small items, after which other work gets its
 * turn.
 */
const CHUNK_BYTES = 256 * 1_024

/**
 * Builds the document at a point in the past, part by part, from the nearest snapshot and the records up to the point. Rejects with
 * `history_dropped` for a point that is no longer kept, with the storage error when reading fails, and with the error of a pause.
 */
export async function readPast(log: WorkspaceLog, point: Point, pace: Pace = AT_EASE): Promise<Past> {
  const through = Math.min('lsn' in point ? point.lsn : await log.lsnAt(point.at), log.head) as Lsn
  const start = through > 0 ? await findStart(log, through) : undefined
  const from = start?.lsn ?? 0
  if (through > from && from + 1 < log.firstLsn) {
    throw historyDropped(log.firstLsn, through)
  }
  const doc = new Y.Doc({ guid: '' })
  try {
    const stamps = pace.part(() => start?.annex.stamps() ?? new Stamps())
    if (start !== undefined) pace.part(() => Y.applyUpdate(doc, start.state))
    let at = start?.at ?? 0
    let chunk: Uint8Array[] = []
    let bytes = 0
    for await (const record of through > from ? log.read({ after: from as Lsn, through }) : []) {
      stamps.note(record)
      at = record.at
      bytes += record.update.length
      if (chunk.push(record.update) < CHUNK && bytes < CHUNK_BYTES) continue
      const full = chunk
      pace.part(() => applyAll(doc, full))
      chunk = []
      bytes = 0
      await pace.pause()
    }
    pace.part(() => applyAll(doc, chunk))
    return { lsn: through, at, doc, stamps }
  } catch (error) {
    doc.destroy()
    throw error
  }
}

function applyAll(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
}
