import type { LogRecord, Lsn } from '@joinery/log'
import * as Y from 'yjs'
import { Stamps } from './stamps.ts'

/** A point in a workspace's history: after the record `lsn`, or as it stood at a time (ms since epoch). */
export type Point = { readonly lsn: number } | { readonly at: number }

/** A workspace as it stood at one point of its history. */
export interface Past {
  /** LSN of the last record it holds; 0 before the first. */
  readonly lsn: number
  /** Time of that record, ms since epoch; 0 before the first. */
  readonly at: number
  /** A document of the caller's own, to be destroyed by it. Edits in it reach nobody. */
  readonly doc: Y.Doc
  /** Who had last touched what by then. */
  readonly stamps: Stamps
}

/** Builds the past from the records up to its point. Throws what reading throws. */
export async function buildPast(
  records: AsyncIterable<LogRecord>,
  isWanted: (record: LogRecord) => boolean,
): Promise<Past> {
  const doc = new Y.Doc({ guid: '' })
  const stamps = new Stamps()
  let last: Pick<LogRecord, 'lsn' | 'at'> = { lsn: 0 as Lsn, at: 0 }
  for await (const record of records) {
    if (!isWanted(record)) break
    Y.applyUpdate(doc, record.update)
    stamps.note(record)
    last = record
  }
  return { lsn: last.lsn, at: last.at, doc, stamps }
}
