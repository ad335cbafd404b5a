import type { EventStore, LogEntry } from '../event-store.ts'
import { levelStoreOf } from '../store/level-store.ts'
import { CHUNK, ChunkWriter } from './archive-chunk.ts'
import { type ArchivedCounts, type ArchiveHead, chainOfArchived } from './archive-content.ts'
import {
  exportArchive,
  exportWorkspace,
  type Found,
  segmentChunks,
  snapshotChunks,
  systemLogsOf,
} from './export-archive.ts'
import { type Kept, planKept } from './kept-items.ts'
import { isDamage, reasonOf } from './problem.ts'
import { type SurveyOptions, survey } from './repair-survey.ts'

/**
 * An archive of the intact part of one workspace: what a repair would keep, or all of a workspace that is not damaged.
 * Reads only. Throws `corrupted` where no good state can be told, `invalid` or `deleted`.
 */
export async function* exportIntact(
  store: EventStore,
  workspace: string,
  options: SurveyOptions & { readonly note: LogEntry },
): AsyncGenerator<Uint8Array> {
  const level = levelStoreOf(store)
  const { disk } = level
  const moment = disk.pin()
  try {
    const { look, plan } = await survey(moment, workspace, options)
    const now = level.now()
    if (plan === undefined) yield* exportArchive(store, { ...options, workspaces: [workspace] })
    else {
      const kept = await planKept(look, plan, { note: options.note, now })
      const logs = await systemLogsOf(moment, workspace)
      yield* archiveOf({ storeId: disk.storeId, at: now }, kept, logs)
    }
  } finally {
    await moment.close()
  }
}

async function* archiveOf(
  head: ArchiveHead,
  { archived, items }: Kept,
  systemLogs: readonly Found[],
): AsyncGenerator<Uint8Array> {
  const writer = new ChunkWriter()
  yield writer.begin()
  yield writer.json(CHUNK.head, head)
  yield writer.json(CHUNK.workspace, archived)
  const counts = { records: archived.head - archived.firstLsn + 1, snapshots: 0 }
  const { chain } = chainOfArchived(archived)
  for await (const item of items()) {
    if (item.kind === 'snapshot') {
      counts.snapshots++
      yield* snapshotChunks(writer, item.snapshot)
    } else if (item.kind === 'keys') yield writer.json(CHUNK.keys, item.keys)
    else if (item.kind === 'records') yield* segmentChunks(writer, item.records, (record) => chain.take(record))
  }
  const end: ArchivedCounts = { ...counts, ...(archived.chain && { chain: chain.point.value }) }
  yield writer.json(CHUNK.workspaceEnd, end)
  for (const each of systemLogs) {
    try {
      yield* exportWorkspace(writer, each)
    } catch (error) {
      if (!isDamage(error)) throw error
      yield writer.json(CHUNK.workspaceDamaged, { workspace: each.log.workspace, reason: reasonOf(error) })
    }
  }
  yield writer.end()
}
