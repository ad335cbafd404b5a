import { fieldRules, type LongWork } from '@joinery/blocks'
import type { LogRecord } from '@joinery/server'
import * as Y from 'yjs'

/** Names of fields that are told of one record, at most. */
const FIELDS_MAX = 8
/** Larger updates are not read for this: a page has up to 1,000 records. Setting a field or deleting takes some hundred bytes. */
const READ_BYTES_MAX = 8 * 1024

/** The deeds of a record, as far as its update tells without the document. */
export interface RecordDeeds {
  /** Names of the fields that it set. Empty where it is too large to be read. */
  readonly fields: readonly string[]
  /** False for a record that deleted, and wrote nothing. */
  readonly writes: boolean
}

/** Reads what a record did to fields, blocks and edges: its paths tell which of them, and not how. */
export function deedsOf({ update, touched }: Pick<LogRecord, 'update' | 'touched'>): RecordDeeds {
  const hasFields = touched.some((path) => path.endsWith('/fields'))
  const isPart = touched.every((path) => path.includes('/') && !path.startsWith('edges/'))
  if (update.length > READ_BYTES_MAX || (isPart && !hasFields)) return { fields: [], writes: true }
  const { structs } = Y.decodeUpdate(update)
  const items = structs.filter((struct) => struct instanceof Y.Item)
  const fields = new Set<string>()
  for (const { content } of hasFields ? items : []) {
    if (!(content instanceof Y.ContentAny)) continue
    for (const value of content.arr) {
      const parsed = fieldRules.parse(value)
      if ('claim' in parsed && fields.size < FIELDS_MAX) fields.add(parsed.claim.key)
    }
  }
  return { fields: [...fields], writes: items.length > 0 }
}

/** Bytes of updates that are read for the client ids of one page: a long paste and a day of typing fit. */
const CLIENT_BYTES_MAX = 4 * 1024 * 1024

/**
 * The steps to the Yjs client ids under which each record wrote, by its LSN: one for each record. Records beyond the bound are left
 * out.
 */
export function* readingClients(
  records: readonly Pick<LogRecord, 'lsn' | 'update'>[],
): LongWork<Map<number, readonly number[]>> {
  const clients = new Map<number, readonly number[]>()
  let bytes = 0
  for (const { lsn, update } of records) {
    if (bytes + update.length > CLIENT_BYTES_MAX) continue
    bytes += update.length
    clients.set(lsn, [...Y.parseUpdateMeta(update).from.keys()])
    yield
  }
  return clients
}
