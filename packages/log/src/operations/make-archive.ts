import type { LogEntry, LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { checkEntry } from '../records/record.ts'
import { checkWorkspaceName, makeGeneration } from '../records/workspace-identity.ts'
import { isSystemLog } from '../system-log.ts'
import { CHUNK, ChunkWriter } from './archive-chunk.ts'
import type { ArchivedCounts, ArchivedWorkspace, ArchiveHead } from './archive-content.ts'
import { segmentChunk } from './export-archive.ts'

/** A workspace from another program. */
export interface ForeignWorkspace {
  readonly workspace: string
  /** The updates that its log begins with, oldest first. */
  readonly entries: readonly LogEntry[]
}

/**
 * An archive, for import, of workspaces that were in no log before. `source` says where they are from. `at` (ms since
 * epoch) becomes their time of creation and the time of their records. Throws `invalid` for anything that no log takes.
 */
export async function* makeArchive(
  source: string,
  at: number,
  workspaces: AsyncIterable<ForeignWorkspace>,
): AsyncGenerator<Uint8Array> {
  const writer = new ChunkWriter()
  const head: ArchiveHead = { storeId: source, at }
  yield writer.begin()
  yield writer.json(CHUNK.head, head)
  for await (const { workspace, entries } of workspaces) {
    checkWorkspaceName(workspace)
    if (isSystemLog(workspace))
      throw new LogError('invalid', `${workspace} is the name of a system log, not of a workspace`)
    for (const entry of entries) checkEntry(entry)
    const end = entries.length as Lsn
    const archived: ArchivedWorkspace = {
      ...{ workspace, generation: makeGeneration(), createdAt: at },
      ...{ firstLsn: 1 as Lsn, head: end, snapshotLsn: 0 as Lsn },
    }
    yield writer.json(CHUNK.workspace, archived)
    for (const [index, entry] of entries.entries()) {
      const record: LogRecord = { ...entry, lsn: (index + 1) as Lsn, at }
      yield await segmentChunk(writer, [record])
    }
    const counts: ArchivedCounts = { records: end, snapshots: 0 }
    yield writer.json(CHUNK.workspaceEnd, counts)
  }
  yield writer.end()
}
