import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { copyFile, type FileRef, filesIn, scopeOf } from '@joinery/resources'
import { filesFolderOf } from '../files/files-folder.mts'
import { listArchives } from './archive-file.mts'

/** Ends the name of the list beside an archive: the files that the backup has. */
const LIST = '.files'

/** The files of a backup or of a restore. */
export interface CopiedFiles {
  readonly files: number
  readonly bytes: number
  /** Files that could not be copied, as `<scope>/<digest>`: their bytes are not what they were, or are gone. */
  readonly damaged: readonly string[]
}

/**
 * Copies the uploaded files of a data directory to the folder beside the archives, which all of them share: only those that no earlier
 * backup has are copied. A list beside the archive names its files. Call it when the archive is complete, before it has its name: the
 * files that its documents name are there by then.
 */
export async function backUpFiles(directory: string, archive: string): Promise<CopiedFiles> {
  const from = filesFolderOf(directory)
  const to = filesFolderOf(dirname(archive))
  const listed: FileRef[] = []
  const damaged: string[] = []
  for await (const file of filesIn(from)) {
    const copied = await copyFile(from, to, file)
    if (copied === 'damaged') damaged.push(`${file.scope}/${file.sha256}`)
    else if (copied !== 'gone') listed.push(file)
  }
  if (listed.length > 0) await writeList(archive, listed)
  return { files: listed.length, bytes: bytesOf(listed), damaged }
}

/** Removes the lists of archives that are not there any more, and the files that no list names. */
export async function removeUnlisted(directory: string): Promise<void> {
  const names = await readdir(directory)
  const kept = new Set((await listArchives(directory)).map((path) => `${path}${LIST}`))
  const named = new Set<string>()
  for (const name of names.filter((each) => each.endsWith(LIST))) {
    const path = join(directory, name)
    // A backup that is being made has its list before its name.
    if (!kept.has(path) && !names.includes(`${name.slice(0, -LIST.length)}.partial`)) await rm(path)
    else for (const { scope, sha256 } of await readList(path)) named.add(`${scope}/${sha256}`)
  }
  const folder = filesFolderOf(directory)
  for await (const { scope, sha256 } of filesIn(folder)) {
    if (!named.has(`${scope}/${sha256}`)) await rm(join(folder, scope, sha256), { force: true })
  }
}

export interface FilesToRestore {
  readonly archive: string
  /** Folder of the files: `blobs` of a data directory. */
  readonly to: string
  /** New names of workspaces, by their names in the archive. All files of the archive are restored without it. */
  readonly renamed?: ReadonlyMap<string, string>
}

/** Copies the files of a backup back. Resolves with undefined if it has none: it is older, or no backup but an export. */
export async function restoreFiles({ archive, to, renamed }: FilesToRestore): Promise<CopiedFiles | undefined> {
  const from = filesFolderOf(dirname(archive))
  const listed = await readList(`${archive}${LIST}`).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  if (listed === undefined) return undefined
  const scopes = renamed && new Map(Array.from(renamed, ([name, now]) => [scopeOf(name), scopeOf(now)]))
  const wanted = listed.filter(({ scope }) => scopes === undefined || scopes.has(scope))
  const damaged: string[] = []
  for (const file of wanted) {
    const copied = await copyFile(from, to, file, scopes?.get(file.scope) ?? file.scope)
    if (copied === 'damaged' || copied === 'gone') damaged.push(`${file.scope}/${file.sha256}`)
  }
  return { files: wanted.length - damaged.length, bytes: bytesOf(wanted), damaged }
}

function bytesOf(files: readonly FileRef[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function writeList(archive: string, files: readonly FileRef[]): Promise<void> {
  const draft = `${archive}${LIST}.partial`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(files.map((file) => `${JSON.stringify(file)}\n`).join(''))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, `${archive}${LIST}`)
}

async function readList(path: string): Promise<FileRef[]> {
  const lines = (await readFile(path, 'utf8')).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as FileRef)
}
