import { readdir } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { isMissing } from '../durable-file.ts'
import { LogError } from '../log-error.ts'
import { storageError } from '../storage-error.ts'
import { ReadingCopy } from './reading-copy.ts'
import { verifyFiles } from './verify-files.ts'

/** One document that y-leveldb keeps. */
export interface StoredDocument {
  readonly name: string
  /** Yjs V1 updates, in the order in which they were stored. */
  readonly updates: readonly Uint8Array[]
}

/** Parts of a key of y-leveldb 0.1 and 0.2: a kind, then a text with its length in front, or a number. */
const TEXT = 0
const NUMBER = 1
/** First bytes of the keys of documents: the text `v1`, then the kind of another text. */
const DOCUMENTS = Buffer.from([TEXT, 2, 0x76, 0x31, TEXT])
const ENTRIES_PER_STEP = 256

/**
 * The documents that y-websocket's y-leveldb persistence left in a directory, one after the other. Every byte is
 * checked against LevelDB's checksums first, and none is written. Throws `unreadable` when there is no LevelDB,
 * `foreign_directory` when it holds no such documents, `corrupted`, or `locked` while that server runs.
 */
export async function* readYLeveldb(directory: string): AsyncGenerator<StoredDocument> {
  await assertIsIntact(directory)
  const copy = await ReadingCopy.make(directory)
  try {
    const level = new ClassicLevel<Uint8Array, Uint8Array>(copy.directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    })
    try {
      await level.open({ createIfMissing: false })
      if (!(await copy.isCurrent())) throw new LogError('locked', `${directory} is being written to by another process`)
      yield* readDocuments(level, directory)
    } catch (error) {
      throw storageError(error, directory)
    } finally {
      await level.close()
    }
  } finally {
    await copy.remove()
  }
}

async function assertIsIntact(directory: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    if (isMissing(error)) throw new LogError('unreadable', `${directory} does not exist`, { cause: error })
    throw storageError(error, directory)
  }
  if (!names.includes('CURRENT')) throw new LogError('unreadable', `${directory} holds no LevelDB database`)
  const { problems } = await verifyFiles(directory)
  if (problems[0] !== undefined) throw new LogError('corrupted', `${directory} is damaged: ${problems[0].message}`)
}

async function* readDocuments(level: ClassicLevel<Uint8Array, Uint8Array>, directory: string) {
  let current: { name: string; updates: Uint8Array[] } | undefined
  let hasAny = false
  const iterator = level.iterator({ gte: DOCUMENTS, lt: Buffer.concat([DOCUMENTS.subarray(0, -1), Buffer.from([1])]) })
  try {
    for (let entries = await iterator.nextv(ENTRIES_PER_STEP); entries.length > 0; ) {
      for (const [key, value] of entries) {
        const [, name, what] = decodeKey(key)
        if (typeof name !== 'string' || what !== 'update') continue
        hasAny = true
        if (current?.name !== name) {
          if (current !== undefined) yield current
          current = { name, updates: [] }
        }
        current.updates.push(value)
      }
      entries = await iterator.nextv(ENTRIES_PER_STEP)
    }
  } finally {
    await iterator.close()
  }
  if (current !== undefined) yield current
  if (!hasAny) throw new LogError('foreign_directory', `${directory} holds no documents of y-leveldb`)
}

/** Decodes a key. Throws `foreign_directory` on a key that y-leveldb does not write. */
function decodeKey(key: Uint8Array): (string | number)[] {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  const parts: (string | number)[] = []
  try {
    for (let offset = 0; offset < bytes.length; ) {
      const kind = bytes[offset++]
      if (kind === NUMBER) {
        parts.push(bytes.readUInt32BE(offset))
        offset += 4
        continue
      }
      let length = 0
      for (let factor = 1; ; factor *= 128) {
        const byte = bytes.readUInt8(offset++)
        length += (byte & 0x7f) * factor
        if (byte < 0x80) break
      }
      if (kind !== TEXT || offset + length > bytes.length) throw new RangeError('no part of a key')
      parts.push(bytes.subarray(offset, offset + length).toString())
      offset += length
    }
  } catch (cause) {
    throw new LogError('foreign_directory', 'y-leveldb writes no such key', { cause })
  }
  return parts
}
