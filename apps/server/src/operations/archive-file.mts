import { constants, createReadStream } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isSystemLog } from '@joinery/log'
import { type ArchiveHead, readArchive } from '@joinery/log/operations'
import { AppError } from '../app-error.mts'
import { fileFault } from './open-operator.mts'

const NAME = /^joinery-\d{4}-\d\d-\d\dT\d{6}Z\.archive$/

/** Content of an archive, as read back from its file. */
export interface ArchiveSummary {
  readonly file: string
  readonly bytes: number
  readonly workspaces: number
  readonly systemLogs: number
  readonly records: number
  /** Workspaces and system logs that were left out because they are damaged. */
  readonly damaged: readonly { readonly workspace: string; readonly reason: string }[]
}

/** Name of an archive's file; names sort by the time in them. */
export function archiveName(now: Date): string {
  return `joinery-${now.toISOString().slice(0, 19).replaceAll(':', '')}Z.archive`
}

/**
 * Writes an archive to `file`, which must not exist yet. The file gets its name only when it is complete, on the disk and
 * read back, and `beside` has been done. Rejects with {@link AppError} `failed` if the file exists, and with any error that `chunks` throws.
 */
export function writeArchive<T>(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  beside: () => Promise<T>,
): Promise<ArchiveSummary & { readonly beside: T }> {
  return writeNew(file, chunks, async (draft) => ({ ...(await summarize(draft, file)), beside: await beside() }))
}

/** Writes a new file, which gets its name only when it is on the disk and `check` of the draft has resolved. */
export async function writeNew<T>(
  file: string,
  chunks: AsyncIterable<Uint8Array | string>,
  check: (draft: string) => Promise<T>,
): Promise<T> {
  const draft = `${file}.partial`
  try {
    await mkdir(dirname(file), { recursive: true })
    await assertAbsent(file)
    const handle = await open(draft, 'w', 0o600)
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk)
      await handle.sync()
    } finally {
      await handle.close()
    }
    const checked = await check(draft)
    await assertAbsent(file)
    await rename(draft, file)
    return checked
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw fileFault(error, file) ?? error
  }
}

/** Paths of the archives in a directory whose names are of {@link archiveName}'s form, oldest first. */
export async function listArchives(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => join(directory, name))
}

/**
 * Path of the archive that `path` names: the file itself, or the newest archive in the directory. Rejects with
 * {@link AppError} `failed` if there is none that can be read.
 */
export async function archiveAt(path: string): Promise<string> {
  try {
    await access(path, constants.R_OK)
    if (!(await stat(path)).isDirectory()) return path
    const newest = (await listArchives(path)).at(-1)
    if (newest !== undefined) return newest
  } catch (error) {
    throw fileFault(error, path) ?? error
  }
  throw new AppError('failed', `${path} holds no archives`)
}

/** The head of an archive. Rejects with `corrupted`. */
export async function headOfArchive(file: string): Promise<ArchiveHead> {
  const source = createReadStream(file)
  try {
    for await (const item of readArchive(source)) if (item.kind === 'head') return item.head
  } finally {
    source.destroy()
  }
  throw new AppError('failed', `${file} has no head`)
}

/** Names of the workspaces in an archive. Rejects with `corrupted`. */
export async function workspacesIn(file: string): Promise<string[]> {
  const names: string[] = []
  for await (const item of readArchive(createReadStream(file))) {
    if (item.kind === 'workspace' && !isSystemLog(item.workspace.workspace)) names.push(item.workspace.workspace)
  }
  return names
}

async function assertAbsent(file: string): Promise<void> {
  const names = await readdir(dirname(file))
  if (names.includes(basename(file))) {
    throw new AppError('failed', `${file} is there already, and no archive is overwritten: choose another name`)
  }
}

async function summarize(path: string, file: string): Promise<ArchiveSummary> {
  let records = 0
  let name = ''
  const counts = { workspaces: 0, systemLogs: 0 }
  const damaged: { workspace: string; reason: string }[] = []
  const source = createReadStream(path)
  for await (const item of readArchive(source)) {
    if (item.kind === 'workspace') name = item.workspace.workspace
    if (item.kind === 'workspaceEnd') counts[isSystemLog(name) ? 'systemLogs' : 'workspaces']++
    if (item.kind === 'records') records += item.records.length
    if (item.kind === 'damaged') damaged.push(item.damage)
  }
  return { file, bytes: source.bytesRead, ...counts, records, damaged }
}
