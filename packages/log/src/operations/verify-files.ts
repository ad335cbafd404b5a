import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { missingIsUndefined } from '../durable-file.ts'
import { findLostLog, isMarkDamaged, MARK } from '../leveldb/lost-log.ts'
import { type LiveFiles, readLiveFiles } from '../leveldb/manifest.ts'
import { checkTable } from '../leveldb/table.ts'
import { type FileDamage, readLogFile } from '../leveldb/write-ahead-log.ts'
import type { Problem } from './problem.ts'

/** Result of checking the files. */
export interface FilesReport {
  /** Number of files that were read in full. */
  readonly files: number
  readonly bytes: number
  readonly problems: readonly Problem[]
}

/**
 * While a server writes, files come and go between two readings of their list. This is how often the list is read
 * again.
 */
const LOOKS_MAX = 5

/**
 * Checks every byte that LevelDB would read against LevelDB's own checksums. LevelDB itself checks only its write-ahead
 * log, and silently. Reads only; may run beside a server. Rejects with `signal.reason` once aborted.
 */
export async function verifyFiles(
  directory: string,
  options: { onFile?(done: number, total: number): void; signal?: AbortSignal } = {},
): Promise<FilesReport> {
  const problems: Problem[] = []
  const checked = new Map<string, number>()
  let live: LiveFiles | undefined
  for (let look = 1; ; look++) {
    live = await readLiveFiles(directory).catch(missingIsUndefined)
    if (live === undefined) {
      const reason = 'it names no manifest that is there'
      return { files: 1, bytes: 0, problems: [fileProblem('CURRENT', { offset: 0, reason })] }
    }
    const names = await filesOf(directory, live)
    const gone: string[] = []
    for (const [index, name] of names.entries()) {
      options.signal?.throwIfAborted()
      options.onFile?.(index, names.length)
      if (checked.has(name) && name.endsWith('.ldb')) continue
      const bytes = await readFile(join(directory, name)).catch(missingIsUndefined)
      if (bytes === undefined) {
        gone.push(name)
        continue
      }
      checked.set(name, bytes.length)
      for (const damage of damagesOf(name, bytes, live)) problems.push(fileProblem(name, damage))
    }
    if (gone.length === 0) break
    // A server deletes tables that it has merged. Tables that the newest manifest still names are lost.
    if (look === LOOKS_MAX) {
      for (const name of gone) problems.push(fileProblem(name, { offset: 0, reason: 'it is missing' }))
      break
    }
  }
  const lost = await findLostLog(directory)
  if (lost !== undefined) problems.push(fileProblem(lost.file, lost))
  if (await isMarkDamaged(directory)) {
    problems.push(fileProblem(MARK, { offset: 0, reason: 'it does not match its checksum' }))
  }
  const manifestBytes = (await readFile(join(directory, live.manifest))).length
  for (const damage of live.damages) problems.push(manifestProblem(live, damage))
  const bytes = [...checked.values()].reduce((sum, size) => sum + size, manifestBytes)
  return { files: checked.size + 2, bytes, problems }
}

async function filesOf(directory: string, live: LiveFiles): Promise<string[]> {
  const logs = (await readdir(directory)).filter((name) => {
    return name.endsWith('.log') && Number.parseInt(name, 10) >= live.firstLog
  })
  const present = new Set(await readdir(directory))
  // Early versions of LevelDB named their tables .sst, and LevelDB still reads them.
  const tables = [...live.tables.keys()].map((number) => {
    const stem = String(number).padStart(6, '0')
    return present.has(`${stem}.sst`) ? `${stem}.sst` : `${stem}.ldb`
  })
  return [...tables, ...logs]
}

function damagesOf(name: string, bytes: Buffer, live: LiveFiles): readonly FileDamage[] {
  if (name.endsWith('.log')) return readLogFile(bytes).damages
  const size = live.tables.get(Number.parseInt(name, 10))
  if (size !== undefined && bytes.length < size) {
    return [{ offset: bytes.length, reason: `it ends after ${bytes.length} of ${size} bytes` }]
  }
  return checkTable(size === undefined ? bytes : bytes.subarray(0, size))
}

function manifestProblem({ manifest, tornAt }: LiveFiles, damage: FileDamage): Problem {
  const problem = fileProblem(manifest, damage)
  if (tornAt === undefined) return problem
  const message = `${problem.message}; nothing that counts is behind it, and the next start may cut it off`
  return { ...problem, code: 'manifest_torn', message }
}

function fileProblem(file: string, { offset, reason }: FileDamage): Problem {
  return { code: 'file_damaged', message: `${file} at byte ${offset}: ${reason}`, file, offset }
}
