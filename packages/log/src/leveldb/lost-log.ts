import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { missingIsUndefined, writeDurably } from '../durable-file.ts'
import { isDamaged, readLiveFiles } from './manifest.ts'

/** File that says which write-ahead log was the newest when the database was last closed, and how long it was. */
export const MARK = 'CLOSED'
const MARKED = /^(joinery closed (\d+\.log) (\d+)) ([0-9a-f]{8})\n$/
const LOG = /^\d+\.log$/

/** A write-ahead log that is missing or has lost its end. */
export interface LostLog {
  readonly file: string
  readonly offset: number
  readonly reason: string
}

/**
 * Looks for a write-ahead log that the manifest asks for and that is missing, or that is shorter than when the database
 * was closed: LevelDB notices neither. Reads only. Throws Node's error on a file that can't be read.
 */
export async function findLostLog(directory: string): Promise<LostLog | undefined> {
  for (let firstLog = await firstLogOf(directory); firstLog !== undefined; ) {
    const lost = await lookForLogs(directory, firstLog)
    if (lost === undefined) return undefined
    const now = await firstLogOf(directory)
    // LevelDB deletes a log once the manifest no longer asks for it. A process that has the database open may have done
    // so between the two reads.
    if (now === firstLog) return lost
    firstLog = now
  }
  return undefined
}

/** Writes down how long the newest write-ahead log is. Resolves when that is on the disk. */
export async function markEnd(directory: string): Promise<void> {
  const newest = (await logsOf(directory)).at(-1)
  if (newest === undefined) return
  const { size } = await stat(join(directory, newest))
  if (size === 0) return
  const text = `joinery closed ${newest} ${size}`
  await writeDurably(directory, MARK, `${text} ${checksumOf(text)}\n`)
}

/** Whether the file that {@link markEnd} wrote is there and damaged. */
export async function isMarkDamaged(directory: string): Promise<boolean> {
  return (await readMark(directory)) === 'damaged'
}

/**
 * The oldest write-ahead log that the manifest asks for: 0 if it asks for none; undefined if there is no manifest or
 * edits that count are damaged.
 */
async function firstLogOf(directory: string): Promise<number | undefined> {
  const live = await readLiveFiles(directory).catch(missingIsUndefined)
  return live === undefined || isDamaged(live) ? undefined : live.firstLog
}

async function lookForLogs(directory: string, firstLog: number): Promise<LostLog | undefined> {
  const mark = await readMark(directory)
  const logs = await logsOf(directory)
  if (firstLog > 0 && !logs.some((name) => numberOf(name) === firstLog)) {
    return { file: `${String(firstLog).padStart(6, '0')}.log`, offset: 0, reason: 'it is missing' }
  }
  // A log that the manifest no longer asks for has become a table: a process opened the database after it was closed,
  // and was killed.
  if (mark === undefined || mark === 'damaged' || numberOf(mark.file) < firstLog) return undefined
  const bytes = await stat(join(directory, mark.file)).then(({ size }) => size, missingIsUndefined)
  if (bytes === undefined) return { file: mark.file, offset: 0, reason: 'it is missing' }
  if (bytes >= mark.bytes) return undefined
  return { file: mark.file, offset: bytes, reason: `it ends after ${bytes} of ${mark.bytes} bytes` }
}

/** Undefined if the file is missing or damaged. A damaged one is ignored: it is only a second witness. */
async function readMark(directory: string): Promise<{ file: string; bytes: number } | 'damaged' | undefined> {
  const text = await readFile(join(directory, MARK), 'latin1').catch(missingIsUndefined)
  if (text === undefined) return undefined
  const [, said = '', file = '', bytes, checksum] = MARKED.exec(text) ?? []
  return checksum === checksumOf(said) ? { file, bytes: Number(bytes) } : 'damaged'
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

/** Names of the write-ahead logs, oldest first. */
async function logsOf(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => LOG.test(name))
  return names.sort((a, b) => numberOf(a) - numberOf(b))
}

function numberOf(name: string): number {
  return Number.parseInt(name, 10)
}
