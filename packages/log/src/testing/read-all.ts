import type { LogRecord, WorkspaceLog } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'

/** All records of a range at once: for tests and tools, whose logs fit in memory. */
export async function readAll(log: WorkspaceLog, range?: { after?: Lsn; through?: Lsn }): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const record of log.read(range)) records.push(record)
  return records
}
