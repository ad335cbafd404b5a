import type { DatabaseMoment } from '../disk/database.ts'
import type { EventStore, LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { Chain, type ChainOrigin, type ChainValue } from '../records/chain.ts'
import { decodeExtent, type Extent } from '../records/extent.ts'
import {
  extentKey,
  KIND,
  kindRange,
  lsnOfRecordKey,
  nameOfWorkspaceKey,
  recordKeyRange,
  snapshotKeyRange,
  workspaceKey,
} from '../records/key.ts'
import { decodeSnapshot, encodeSnapshot, type PackedSnapshot } from '../records/packed-snapshot.ts'
import { encodeSegment, SEGMENT_BYTES, SEGMENT_RECORDS_MAX } from '../records/segment.ts'
import { decodeWorkspaceIdentity, type WorkspaceIdentity } from '../records/workspace-identity.ts'
import { belongingTo } from '../store/belonging.ts'
import { droppedKeys } from '../store/dropped-keys.ts'
import { levelStoreOf } from '../store/level-store.ts'
import { readChainOrigin, readKept } from '../store/stored-chain.ts'
import { readStoredRecords, type StoredLog } from '../store/stored-records.ts'
import { CHUNK, ChunkWriter } from './archive-chunk.ts'
import type { ArchivedChain, ArchivedCounts, ArchivedWorkspace, ArchiveHead } from './archive-content.ts'
import { isDamage, reasonOf } from './problem.ts'
import { snapshotLsns } from './verify-snapshots.ts'

export interface ExportOptions {
  /** Names of the workspaces to export, with their system logs. Default: all of both, deleted workspaces included. */
  readonly workspaces?: readonly string[]
  /** Gives the text to attach to the archive, if there is any. Asked once the moment that the archive shows has come. */
  readonly attached?: () => Promise<string | undefined>
  /** Called now and then with the number of records done and of all. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** Workspace number in an archive: a workspace needs none there. */
const NUMBER = 0

/** A log of a store, and its identity. */
export type Found = { readonly log: StoredLog; readonly identity: WorkspaceIdentity }

/**
 * One archive of a store as of now, which holds everything acknowledged before its first byte is asked for. Everything
 * in it is read and checked. Traffic goes on meanwhile. A damaged workspace is left out, and the archive says so; if
 * `workspaces` names it, this throws `corrupted`. Throws `invalid` for a name that does not exist.
 */
export async function* exportArchive(store: EventStore, options: ExportOptions = {}): AsyncGenerator<Uint8Array> {
  const { disk } = levelStoreOf(store)
  const moment = disk.pin()
  try {
    const writer = new ChunkWriter()
    const at = levelStoreOf(store).now()
    const attached = await options.attached?.()
    const head: ArchiveHead = { storeId: disk.storeId, at, ...(attached !== undefined && { attached }) }
    const { found, damaged } = await findAll(moment, options.workspaces)
    yield writer.begin()
    yield writer.json(CHUNK.head, head)
    for (const each of damaged) yield writer.json(CHUNK.workspaceDamaged, each)
    const progress = await countProgress(found, options)
    for (const each of found) {
      try {
        yield* exportWorkspace(writer, each, progress)
      } catch (error) {
        if (!isDamage(error) || options.workspaces !== undefined) throw error
        yield writer.json(CHUNK.workspaceDamaged, { workspace: each.log.workspace, reason: reasonOf(error) })
      }
    }
    yield writer.end()
  } finally {
    await moment.close()
  }
}

async function findAll(moment: DatabaseMoment, names: readonly string[] | undefined) {
  const found: Found[] = []
  const damaged: { workspace: string; reason: string }[] = []
  const take = (workspace: string, value: Uint8Array): void => {
    try {
      const identity = decodeWorkspaceIdentity(workspace, value)
      // Parts of a workspace that is being purged may be gone, and nobody wants it back.
      if (identity.deleted?.isPurging) return
      found.push({ identity, log: { workspace, number: identity.number, moment } })
    } catch (error) {
      if (!isDamage(error) || names !== undefined) throw error
      damaged.push({ workspace, reason: reasonOf(error) })
    }
  }
  if (names === undefined) {
    for await (const [key, value] of moment.entries(kindRange(KIND.workspace))) take(nameOfWorkspaceKey(key), value)
    return { found, damaged }
  }
  for (const workspace of names) {
    const value = await moment.get(workspaceKey(workspace))
    if (value === undefined) throw new LogError('invalid', `there is no workspace ${workspace}`, { workspace })
    take(workspace, value)
    found.push(...(await systemLogsOf(moment, workspace)).filter(({ log }) => !names.includes(log.workspace)))
  }
  return { found, damaged }
}

/** Called with every record. */
async function countProgress(found: readonly Found[], { onProgress, signal }: ExportOptions): Promise<() => void> {
  let total = 0
  for (const { log } of found) {
    const last = onProgress && (await log.moment.last(recordKeyRange(log.number)))
    if (last) total += lsnOfRecordKey(last[0])
  }
  let done = 0
  return () => {
    signal?.throwIfAborted()
    if (++done % 1_000 === 0) onProgress?.(Math.min(done, total), total)
  }
}

/** The system logs that belong to a workspace. Throws `corrupted` if one of them is damaged. */
export async function systemLogsOf(moment: DatabaseMoment, workspace: string): Promise<Found[]> {
  const found: Found[] = []
  for (const name of await belongingTo(moment, workspace)) {
    const value = await moment.get(workspaceKey(name))
    const identity = value && decodeWorkspaceIdentity(name, value)
    if (identity === undefined || identity.deleted?.isPurging) continue
    found.push({ identity, log: { workspace: name, number: identity.number, moment } })
  }
  return found
}

/** Throws `corrupted` where the log is damaged. */
export async function* exportWorkspace(
  writer: ChunkWriter,
  { log, identity }: Found,
  onRecord: () => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const { workspace, number, moment } = log
  const extent = decodeExtent(workspace, number, await moment.get(extentKey(number)))
  const head = await headOf(log, extent)
  const { generation, createdAt, deleted } = identity
  const { firstLsn, snapshotLsn } = extent
  const origin = await readChainOrigin(log, generation, firstLsn)
  const chain = new Chain(origin)
  const archived: ArchivedWorkspace = {
    ...{ workspace, generation, createdAt, firstLsn, head, snapshotLsn },
    chain: await archivedChain(log, origin),
    ...(deleted && { deletedAt: deleted.at }),
  }
  yield writer.json(CHUNK.workspace, archived)
  const lsns = await snapshotLsns(log, extent)
  for (const lsn of lsns) yield* snapshotChunks(writer, await readPacked(log, lsn))
  if (firstLsn > 1) {
    for await (const keys of droppedKeys(log, firstLsn)) yield writer.json(CHUNK.keys, keys)
  }
  const note = (record: LogRecord): void => {
    onRecord()
    chain.take(record)
  }
  yield* segmentChunks(writer, readStoredRecords(log, firstLsn, head), note)
  const counts: ArchivedCounts = { records: head - firstLsn + 1, snapshots: lsns.length, chain: chain.point.value }
  yield writer.json(CHUNK.workspaceEnd, counts)
}

/** The beginning of a log's chain, with the values that are kept for dropped records. */
export async function archivedChain(log: StoredLog, { lsn, value, marks }: ChainOrigin): Promise<ArchivedChain> {
  const dropped: [Lsn, ChainValue][] = []
  for await (const point of readKept(log, (lsn + 1) as Lsn)) dropped.push([point.lsn, point.value])
  return { base: value, marks, dropped }
}

async function readPacked(log: StoredLog, lsn: Lsn): Promise<PackedSnapshot> {
  const parts: Uint8Array[] = []
  for await (const [, value] of log.moment.entries(snapshotKeyRange(log.number, lsn, lsn))) parts.push(value)
  return decodeSnapshot(log.workspace, log.number, lsn, parts)
}

export async function* snapshotChunks(writer: ChunkWriter, packed: PackedSnapshot): AsyncGenerator<Uint8Array> {
  const puts = await encodeSnapshot(NUMBER, packed)
  for (const [part, { value }] of puts.entries()) {
    const place = Buffer.allocUnsafe(9)
    place.writeUInt8(Number(part === puts.length - 1), place.writeUInt16BE(part, place.writeUIntBE(packed.lsn, 0, 6)))
    yield writer.chunk(CHUNK.snapshot, Buffer.concat([place, value]))
  }
}

export async function* segmentChunks(
  writer: ChunkWriter,
  records: AsyncIterable<LogRecord> | Iterable<LogRecord>,
  onRecord: (record: LogRecord) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  let run: LogRecord[] = []
  let runBytes = 0
  for await (const record of records) {
    onRecord(record)
    if (run.length > 0 && (run.length >= SEGMENT_RECORDS_MAX || runBytes + record.update.byteLength > SEGMENT_BYTES)) {
      yield await segmentChunk(writer, run)
      run = []
      runBytes = 0
    }
    run.push(record)
    runBytes += record.update.byteLength
  }
  if (run.length > 0) yield await segmentChunk(writer, run)
}

export async function segmentChunk(writer: ChunkWriter, records: readonly LogRecord[]): Promise<Uint8Array> {
  const { value } = await encodeSegment(NUMBER, records)
  const place = Buffer.allocUnsafe(6)
  place.writeUIntBE(records[0]?.lsn ?? 0, 0, 6)
  return writer.chunk(CHUNK.segment, Buffer.concat([place, value]))
}

/** LSN of the last record that is kept; one less than the first LSN if none is. */
export async function headOf({ number, moment }: StoredLog, { firstLsn, sealedLsn }: Extent): Promise<Lsn> {
  const last = await moment.last(recordKeyRange(number))
  return Math.max(last === undefined ? 0 : lsnOfRecordKey(last[0]), sealedLsn, firstLsn - 1) as Lsn
}
