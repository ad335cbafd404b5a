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

/** Which files make up the database now; others in the directory are leftovers that LevelDB deletes when it opens. */
export interface LiveFiles {
  /** Name of the manifest that said so. */
  readonly manifest: string
  readonly damages: readonly FileDamage[]
  /**
   * Set where all damage lies behind the last whole edit, which ends here: power loss leaves what LevelDB was about to
   * write, and relied on nowhere, as anything. What is before counts. Unset where edits that count are damaged.
   */
  readonly tornAt: number | undefined
  /** Bytes of each table by its number. */
  readonly tables: ReadonlyMap<number, number>
  /** Write-ahead logs from this number on hold what is in no table yet. */
  readonly firstLog: number
}

/** Whether edits that count are damaged: which files make up the database can't be told then. */
export function isDamaged({ damages, tornAt }: LiveFiles): boolean {
  return damages.length > 0 && tornAt === undefined
}

/** Undefined if CURRENT names no manifest. Throws Node's error on a file that can't be read. */
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

/** Takes one edit in; gives the log number it sets, 0 for none. Throws a RangeError on what is no edit. */
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
        throw new RangeError(`an edit has a field of kind ${tag}, which there is not`)
    }
  }
  return log
}
