import type { LogRecord, Snapshot } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { CHUNK, ChunkWriter } from '../operations/archive-chunk.ts'
import { chainOfArchived } from '../operations/archive-content.ts'
import { segmentChunks, snapshotChunks } from '../operations/export-archive.ts'
import { readArchive } from '../operations/read-archive.ts'
import type { ChainMark } from '../records/chain.ts'
import { packSnapshot, unpackState } from '../records/packed-snapshot.ts'

/** All that an archive says of one workspace, for somebody who changes it. */
export interface History {
  readonly workspace: string
  readonly generation: string
  readonly createdAt: number
  /** Records that are left: their LSNs follow each other. */
  readonly records: readonly LogRecord[]
  /** The snapshot that stands for the records before. */
  readonly ground: Snapshot | undefined
  readonly base: string
  readonly marks: readonly ChainMark[]
  readonly dropped: readonly (readonly [Lsn, string])[]
}

/** The histories in an archive, by name. */
export async function historiesOf(archive: AsyncIterable<Uint8Array>): Promise<Map<string, History>> {
  const found = new Map<string, History>()
  let current: History | undefined
  for await (const item of readArchive(archive)) {
    if (item.kind === 'workspace') {
      const { workspace, generation, createdAt, chain } = item.workspace
      const { value, marks } = chainOfArchived(item.workspace).origin
      const dropped = chain?.dropped ?? []
      current = { workspace, generation, createdAt, records: [], ground: undefined, base: value, marks, dropped }
    } else if (item.kind === 'records' && current)
      current = { ...current, records: [...current.records, ...item.records] }
    else if (item.kind === 'snapshot' && current && item.snapshot.base === undefined) {
      const { lsn, at, annex } = item.snapshot
      current = { ...current, ground: { lsn, at, annex, state: await unpackState(item.snapshot, undefined) } }
    }
    if (current !== undefined) found.set(current.workspace, current)
  }
  return found
}

/**
 * The archive that a store with this history would give: every checksum and every chain value is made anew. `end` has another chain
 * value for its end, or none: then it is an archive of an older version.
 */
export async function* forgeArchive(
  history: History,
  end?: { readonly chain: string | undefined },
): AsyncGenerator<Uint8Array> {
  const { workspace, generation, createdAt, records, ground, base, marks, dropped } = history
  const firstLsn = (records[0]?.lsn ?? (ground?.lsn ?? 0) + 1) as Lsn
  const head = (firstLsn + records.length - 1) as Lsn
  const snapshotLsn = ground?.lsn ?? (0 as Lsn)
  const chain = { base, marks, dropped: dropped.filter(([lsn]) => lsn < firstLsn) }
  const isOld = end !== undefined && end.chain === undefined
  const archived = { workspace, generation, createdAt, firstLsn, head, snapshotLsn, ...(!isOld && { chain }) }
  const writer = new ChunkWriter()
  yield writer.begin()
  yield writer.json(CHUNK.head, { storeId: 'forged', at: createdAt })
  yield writer.json(CHUNK.workspace, archived)
  if (ground !== undefined) yield* snapshotChunks(writer, await packSnapshot(ground))
  const walked = chainOfArchived(archived).chain
  yield* segmentChunks(writer, records, (record) => void walked.take(record))
  const counts = { records: records.length, snapshots: ground === undefined ? 0 : 1, chain: walked.point.value, ...end }
  yield writer.json(CHUNK.workspaceEnd, counts)
  yield writer.end()
}
