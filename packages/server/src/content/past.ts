import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Lsn, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import { historyDropped } from '../server-error.ts'
import { makeServerDoc } from './server-doc.ts'
import { Stamps } from './stamps.ts'
import { paceOf, type Pace as StepPace, type Steps } from './steps.ts'
import { findStart } from './stored-state.ts'
import { unitBytesOf } from './trials/trial-protocol.ts'
import { splittingUpdate } from './update-parts.ts'

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

/** Records that are read before they are applied, at most, and their bytes. */
const CHUNK = 1_000
const CHUNK_BYTES = 256 * 1_024
/** Time for which updates are applied in one transaction, ms: then other work gets its turn. */
const TURN_MS = 5
/** Bytes from which on an update is applied in units: a smaller one takes some milliseconds. */
const UNITS_FROM_BYTES = 64 * 1_024

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
  const doc = makeServerDoc()
  try {
    const stamps = pace.part(() => start?.annex.stamps() ?? new Stamps())
    if (start !== undefined) await applyInParts(doc, [start.state], pace)
    let at = start?.at ?? 0
    let chunk: Uint8Array[] = []
    let bytes = 0
    for await (const record of through > from ? log.read({ after: from as Lsn, through }) : []) {
      stamps.note(record)
      at = record.at
      bytes += record.update.length
      if (chunk.push(record.update) < CHUNK && bytes < CHUNK_BYTES) continue
      await applyInParts(doc, chunk, pace)
      chunk = []
      bytes = 0
      await pace.pause()
    }
    await applyInParts(doc, chunk, pace)
    return { lsn: through, at, doc, stamps }
  } catch (error) {
    doc.destroy()
    throw error
  }
}

/** Applies updates in parts of {@link TURN_MS}, with a pause between two. Long updates are applied in units. */
async function applyInParts(doc: Y.Doc, updates: readonly Uint8Array[], pace: Pace): Promise<void> {
  let endsAtMs = 0
  const turn = paceOf(() => performance.now() >= endsAtMs)
  /** Does one part of steps. */
  const part = <T>(steps: Steps<T>) =>
    pace.part(() => {
      endsAtMs = performance.now() + TURN_MS
      return steps.next()
    })
  const steps = applying(doc, updates, turn)
  while (!part(steps).done) await pace.pause()
}

/** The steps to updates that are applied, in a transaction each. */
function* applying(doc: Y.Doc, updates: readonly Uint8Array[], pace: StepPace): Steps<void> {
  const units: Uint8Array[] = []
  for (const update of updates) {
    if (update.length < UNITS_FROM_BYTES) units.push(update)
    else for (const unit of yield* splittingUpdate(update, { bytesMax: unitBytesOf(update) }, pace)) units.push(unit)
  }
  for (let at = 0; at < units.length; ) {
    doc.transact(() => {
      do Y.applyUpdate(doc, units[at++] as Uint8Array)
      while (at < units.length && !pace.isOver)
    })
    if (at < units.length) yield
  }
}
