import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { DatabaseMoment, Entry } from '../disk/database.ts'
import { missingIsUndefined, syncDirectory } from '../durable-file.ts'
import { nameKey, OWNED_KINDS, ownRange, workspaceKey } from '../records/key.ts'
import { storageError } from '../storage-error.ts'
import { ChunkWriter, damagedArchive, readChunks } from './archive-chunk.ts'

/** First bytes of a file of remains. The number is its version. */
const REMAINS = 'JOINERY REMAINS 1\n'
/** First byte of a chunk, which says its kind: the numbers are in such files for good. */
const CHUNK = { head: 0x01, entry: 0x02 } as const
/** Longest workspace name in a file name: a name has up to 1,024 bytes, a file name 255. */
const NAME_CHARACTERS_MAX = 100

/** First chunk: which workspace the entries belong to. */
export interface RemainsHead {
  readonly storeId: string
  readonly workspace: string
  readonly number: number
  readonly generation: string
  /** When and why they were put aside; the time in ms since epoch. */
  readonly at: number
  readonly reason: string
}

/** A file of remains, and the number of entries in it. */
export interface Remains {
  readonly path: string
  readonly entries: number
  readonly bytes: number
}

/**
 * Writes every entry of a workspace, damaged or not, into a new file of `directory`, and reads the file back. Resolves
 * when it is on the disk. Throws the storage error, and `corrupted` where entries can't be read.
 */
export async function keepRemains(directory: string, moment: DatabaseMoment, head: RemainsHead): Promise<Remains> {
  let draft: string | undefined
  try {
    await mkdir(directory, { recursive: true })
    await syncDirectory(dirname(directory))
    const path = await freePath(directory, head)
    draft = `${path}.draft`
    const written = await writeRemains(draft, moment, head)
    let entries = 0
    for await (const _ of readRemains(draft)) entries++
    if (entries !== written.entries) throw damagedArchive(written.bytes, 'not every entry can be read back')
    await rename(draft, path)
    await syncDirectory(directory)
    return { path, ...written }
  } catch (error) {
    if (draft !== undefined) await rm(draft, { force: true })
    throw storageError(error, directory)
  }
}

/** The entries in a file of remains. Throws `corrupted` unless all of it is as it was written. */
export async function* readRemains(path: string): AsyncGenerator<Entry> {
  for await (const { kind, payload, offset } of readChunks(createReadStream(path), REMAINS)) {
    if (kind === CHUNK.head) continue
    const keyBytes = payload.length < 2 ? Number.POSITIVE_INFINITY : payload.readUInt16BE(0)
    if (kind !== CHUNK.entry || 2 + keyBytes > payload.length) throw damagedArchive(offset, 'a chunk is no entry')
    yield [payload.subarray(2, 2 + keyBytes), payload.subarray(2 + keyBytes)]
  }
}

async function writeRemains(path: string, moment: DatabaseMoment, head: RemainsHead) {
  const writer = new ChunkWriter(REMAINS)
  let entries = 0
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield writer.begin()
    yield writer.json(CHUNK.head, head)
    for await (const [key, value] of entriesOf(moment, head)) {
      const keyBytes = Buffer.allocUnsafe(2)
      keyBytes.writeUInt16BE(key.byteLength)
      yield writer.chunk(CHUNK.entry, Buffer.concat([keyBytes, key, value]))
      entries++
    }
    yield writer.end()
  }
  const file = createWriteStream(path, { mode: 0o600, flush: true })
  await pipeline(chunks, file)
  return { entries, bytes: file.bytesWritten }
}

async function* entriesOf(moment: DatabaseMoment, { workspace, number }: RemainsHead): AsyncGenerator<Entry> {
  for (const key of [workspaceKey(workspace), nameKey(number)]) {
    const value = await moment.get(key)
    if (value !== undefined) yield [key, value]
  }
  for (const kind of OWNED_KINDS) yield* moment.entries(ownRange(kind, number))
}

/** A free file name, such as `acme%2Fplan-20260131T101500Z.remains`; a number is added if it is taken. */
async function freePath(directory: string, { workspace, at }: RemainsHead): Promise<string> {
  const time = new Date(at).toISOString().replace(/\.\d+|[-:]/g, '')
  const stem = `${encodeURIComponent(workspace).slice(0, NAME_CHARACTERS_MAX)}-${time}`
  for (let n = 1; ; n++) {
    const path = join(directory, `${stem}${n === 1 ? '' : `-${n}`}.remains`)
    if ((await stat(path).catch(missingIsUndefined)) === undefined) return path
  }
}
