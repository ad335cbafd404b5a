import { type LogRecord, openLevelStore } from '@joinery/log'
import * as Y from 'yjs'

/** One workspace of a stopped server's directory: its records in order, and the document they make. */
export interface WorkspaceHistory {
  readonly records: readonly LogRecord[]
  readonly doc: Y.Doc
}

/** Reads with the log's own checks: it throws on a gap, a damaged record or a lost end. */
export async function readHistory(directory: string, workspace: string): Promise<WorkspaceHistory> {
  const store = await openLevelStore({ directory, durability: 'sync' })
  try {
    const log = await store.open(workspace)
    const records: LogRecord[] = []
    const doc = new Y.Doc()
    for await (const record of log.read()) {
      if (record.lsn !== records.length + 1) throw new Error(`record ${record.lsn} follows ${records.length}`)
      records.push(record)
      Y.applyUpdate(doc, record.update)
    }
    if (log.head !== records.length) throw new Error(`the head is ${log.head}, the last record ${records.length}`)
    await log.close()
    return { records, doc }
  } finally {
    await store.close()
  }
}
