import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VarintReader } from './varint-reader.ts'
import { type FileDamage, hasWriteBehind, readLogFile } from './write-ahead-log.ts'

/** Tags of LevelDB's version edits (db/version_edit.cc of google/leveldb). */
const TAG = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const

/** The files that make up the database now. LevelDB deletes the others in the directory when it opens. */
export interface LiveFiles {
  /** Name of the manifest that lists them. */
  readonly manifest: string
  readonly damages: readonly FileDamage[]
  /**
   * End of the last whole edit, if all damage lies behind it; undefined if edits that count are damaged. Power loss may
   * leave anything in place of the edit that LevelDB was about to write, and LevelDB had not relied on that edit
   * anywhere.
   */
  readonly tornAt: number | undefined
  /** Bytes of each table by its number. */
  readonly tables: ReadonlyMap<number, number>
  /** Number of the oldest write-ahead log whose content is not in a table yet. */
  readonly firstLog: number
}

/** Whether edits that count are damaged: it is then unknown which files make up the database. */
export function isDamaged({ damages, tornAt }: LiveFiles): boolean {
  return damages.length > 0 && tornAt === undefined
}

/** Reads the manifest; undefined if CURRENT names none. Throws Node's error on a file that can't be read. */
export async function readLiveFiles(directory: string): Promise<LiveFiles | undefined> {
  const manifest = /^(MANIFEST-\d+)\n$/.exec(await readFile(join(directory, 'CURRENT'), 'utf8'))?.[1]
  if (manifest === undefined) return undefined
  const bytes = await readFile(join(directory, manifest))
  const { batches, damages, intactBytes } = readLogFile(bytes)
  const tables = new Map<number, number>()
  let firstLog = 0
  const unreadable: FileDamage[] = []
  for (const batch of batches) {
    try {
      firstLog = Math.max(firstLog, applyEdit(batch, tables))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      unreadable.push({ offset: 0, reason: error.message })
    }
  }
  const isTorn = damages.length > 0 && unreadable.length === 0 && firstLog > 0 && !hasWriteBehind(bytes, intactBytes)
  const tornAt = isTorn ? intactBytes : undefined
  return { manifest, damages: [...damages, ...unreadable], tornAt, tables, firstLog }
}

/** Applies one edit. Returns the log number that it sets, 0 for none. Throws a RangeError on bytes that are no edit. */
function applyEdit(edit: Uint8Array, tables: Map<number, number>): number {
  const reader = new VarintReader(edit)
  let log = 0
  while (!reader.isAtEnd) {
    const tag = reader.varint()
    switch (tag) {
      case TAG.comparator:
        reader.skip(reader.varint())
        break
      case TAG.logNumber:
        log = reader.varint()
        break
      case TAG.nextFileNumber:
      case TAG.lastSequence:
      case TAG.previousLogNumber:
        reader.varint()
        break
      case TAG.compactPointer:
        reader.varint()
        reader.skip(reader.varint())
        break
      case TAG.deletedFile:
        reader.varint()
        tables.delete(reader.varint())
        break
      case TAG.newFile: {
        reader.varint()
        const number = reader.varint()
        tables.set(number, reader.varint())
        reader.skip(reader.varint())
        reader.skip(reader.varint())
        break
      }
      default:
        throw new RangeError(`an edit has a field of unknown kind ${tag}`)
    }
  }
  return log
}
