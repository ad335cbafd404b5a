import type { LogRecord } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { Chain } from '../records/chain.ts'
import { segmentKey } from '../records/key.ts'
import { decodeSnapshot, type PackedSnapshot } from '../records/packed-snapshot.ts'
import { decodeSegment } from '../records/segment.ts'
import { checkWorkspaceName } from '../records/workspace-identity.ts'
import { CHUNK, type Chunk, damagedArchive, readChunks } from './archive-chunk.ts'
import {
  type ArchivedDamage,
  type ArchivedWorkspace,
  type ArchiveHead,
  parseChain,
  parseContent,
} from './archive-content.ts'
import { reasonOf } from './problem.ts'

/** One item of an archive. Each workspace has, in this order, its beginning, snapshots, keys, records and end. */
export type ArchiveItem =
  | { readonly kind: 'head'; readonly head: ArchiveHead }
  | { readonly kind: 'workspace'; readonly workspace: ArchivedWorkspace }
  | { readonly kind: 'snapshot'; readonly snapshot: PackedSnapshot }
  | { readonly kind: 'keys'; readonly keys: readonly (readonly [string, Lsn])[] }
  | { readonly kind: 'records'; readonly records: readonly LogRecord[] }
  | { readonly kind: 'workspaceEnd' }
  | { readonly kind: 'damaged'; readonly damage: ArchivedDamage }

const NUMBER = 0
/** u48 LSN, u16 part, u8 whether it is the last part. */
const SNAPSHOT_PLACE_BYTES = 9

/**
 * Reads an archive and checks all of it: checksums, sequence and times of records, counts, and that it is complete.
 * Throws `corrupted` with the byte where one of these is wrong. Do not rely on what it gave before it has ended.
 */
export async function* readArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveItem> {
  let current: WorkspaceReader | undefined
  let isFirst = true
  let end = 0
  for await (const chunk of readChunks(source)) {
    const { kind, offset } = chunk
    end = offset
    if (isFirst !== (kind === CHUNK.head)) throw damagedArchive(offset, 'its head is not where it should be')
    isFirst = false
    if (kind === CHUNK.head) yield { kind: 'head', head: parseContent('head', chunk) }
    else if (kind === CHUNK.workspaceDamaged) {
      current = undefined
      yield { kind: 'damaged', damage: parseContent('damage', chunk) }
    } else if (kind === CHUNK.workspace) {
      if (current !== undefined) throw damagedArchive(offset, 'a workspace begins before the one before it ends')
      current = new WorkspaceReader(chunk)
      yield { kind: 'workspace', workspace: current.workspace }
    } else if (current === undefined) throw damagedArchive(offset, 'a chunk belongs to no workspace')
    else {
      const item = await current.take(chunk)
      if (item?.kind === 'workspaceEnd') current = undefined
      if (item !== undefined) yield item
    }
  }
  if (isFirst) throw damagedArchive(end, 'it is empty')
  if (current !== undefined) throw damagedArchive(end, `workspace ${current.workspace.workspace} has no end`)
}

/** Puts the chunks of one workspace together, and checks that they fit each other. */
class WorkspaceReader {
  readonly workspace: ArchivedWorkspace
  readonly #chain: Chain | undefined
  #nextLsn: number
  #at = 0
  #snapshots = 0
  /** LSNs of the snapshot before, and of the snapshot whose parts these are. */
  #snapshotLsn = 0
  #parts: Buffer[] = []

  constructor(chunk: Chunk) {
    this.workspace = parseContent('workspace', chunk)
    const { workspace, firstLsn, head, snapshotLsn } = this.workspace
    try {
      checkWorkspaceName(workspace)
    } catch (error) {
      throw damagedArchive(chunk.offset, reasonOf(error), error)
    }
    if (firstLsn < 1 || head < firstLsn - 1 || snapshotLsn > head) {
      throw damagedArchive(chunk.offset, `workspace ${workspace} has an impossible first or last record`)
    }
    this.#nextLsn = firstLsn
    const origin = parseChain(this.workspace, chunk.offset)
    this.#chain = origin && new Chain(origin)
  }

  /** Undefined while a snapshot is not complete yet. */
  async take(chunk: Chunk): Promise<ArchiveItem | undefined> {
    switch (chunk.kind) {
      case CHUNK.snapshot:
        return this.#takeSnapshot(chunk)
      case CHUNK.segment:
        return this.#takeSegment(chunk)
      case CHUNK.keys:
        return this.#takeKeys(chunk)
      case CHUNK.workspaceEnd:
        return this.#takeEnd(chunk)
      default:
        throw damagedArchive(chunk.offset, `a chunk is of kind ${chunk.kind}, which this version does not know`)
    }
  }

  async #takeSnapshot({ payload, offset }: Chunk): Promise<ArchiveItem | undefined> {
    if (payload.length < SNAPSHOT_PLACE_BYTES) throw damagedArchive(offset, 'a part of a snapshot is too short')
    const lsn = payload.readUIntBE(0, 6) as Lsn
    const isNext = this.#parts.length === 0 ? lsn > this.#snapshotLsn : lsn === this.#snapshotLsn
    const isInPlace = payload.readUInt16BE(6) === this.#parts.length
    if (!isNext || !isInPlace || lsn > this.workspace.snapshotLsn || this.#nextLsn > this.workspace.firstLsn) {
      throw damagedArchive(offset, 'a part of a snapshot is not where it should be')
    }
    this.#snapshotLsn = lsn
    this.#parts.push(payload.subarray(SNAPSHOT_PLACE_BYTES))
    if (payload[8] !== 1) return undefined
    const parts = this.#parts
    this.#parts = []
    this.#snapshots++
    return {
      kind: 'snapshot',
      snapshot: await this.#decoded(offset, () => decodeSnapshot(this.workspace.workspace, NUMBER, lsn, parts)),
    }
  }

  async #takeSegment({ payload, offset }: Chunk): Promise<ArchiveItem> {
    if (payload.length < 6) throw damagedArchive(offset, 'a segment is too short')
    const { workspace, head } = this.workspace
    const first = payload.readUIntBE(0, 6) as Lsn
    const records = await this.#decoded(offset, async () => {
      return decodeSegment(workspace, segmentKey(NUMBER, first), payload.subarray(6))
    })
    for (const record of records) {
      const { lsn, at } = record
      this.#chain?.take(record)
      if (lsn !== this.#nextLsn || lsn > head || at < this.#at) {
        throw damagedArchive(offset, `record ${lsn} of workspace ${workspace} is not where it should be`)
      }
      this.#nextLsn = lsn + 1
      this.#at = at
    }
    return { kind: 'records', records }
  }

  #takeKeys({ payload, offset }: Chunk): ArchiveItem {
    const keys: unknown = JSON.parse(payload.toString())
    const isKey = (key: unknown): key is [string, Lsn] =>
      Array.isArray(key) &&
      typeof key[0] === 'string' &&
      Number.isSafeInteger(key[1]) &&
      key[1] < this.workspace.firstLsn
    if (!Array.isArray(keys) || !keys.every(isKey)) throw damagedArchive(offset, 'a list of keys is ill-formed')
    return { kind: 'keys', keys }
  }

  #takeEnd(chunk: Chunk): ArchiveItem {
    const { workspace, firstLsn, head, snapshotLsn } = this.workspace
    const { records, snapshots, chain } = parseContent('counts', chunk)
    if (chain !== this.#chain?.point.value) {
      throw damagedArchive(chunk.offset, `the records of workspace ${workspace} do not make its last chain value`)
    }
    const isComplete = this.#nextLsn === head + 1 && this.#snapshotLsn === snapshotLsn && this.#parts.length === 0
    if (!isComplete || records !== head - firstLsn + 1 || snapshots !== this.#snapshots) {
      throw damagedArchive(chunk.offset, `workspace ${workspace} is not complete`)
    }
    return { kind: 'workspaceEnd' }
  }

  /** A damage that a codec found, with its place in the archive. */
  async #decoded<T>(offset: number, decode: () => Promise<T>): Promise<T> {
    try {
      return await decode()
    } catch (error) {
      throw damagedArchive(offset, reasonOf(error), error)
    }
  }
}
