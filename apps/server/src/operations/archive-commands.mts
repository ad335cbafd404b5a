import { createReadStream } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Imported, restoreArchive } from '@joinery/log/operations'
import type { Command } from 'commander'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { filesFolderOf } from '../files/files-folder.mts'
import { HEAD_LOG_FILE, readHeadLogs } from '../head-log.mts'
import { say } from '../say.mts'
import { type Options, readSetting, type Setting, wholeNumber } from '../setting.mts'
import { type ArchiveSummary, archiveAt, archiveName, listArchives, writeArchive, writeNew } from './archive-file.mts'
import { archivedRevocations } from './archived-revocations.mts'
import { backUpFiles, type CopiedFiles, removeUnlisted, restoreFiles } from './backed-up-files.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import { loadLimitsOf } from './load-limits.mts'
import { withLoadThread } from './load-threads.mts'
import { explained, withOperator } from './open-operator.mts'
import type { ArchiveChoice } from './operator.mts'
import { openProgressBar } from './progress.mts'
import { recordLines } from './record-lines.mts'
import { keepRevoked } from './revocations-file.mts'
import { formatBytes, formatCount } from './table.mts'

const to: Setting<string> = {
  option: 'to',
  rule: 'a path',
  example: './backups',
  schema: z.string().min(1),
}

const keep: Setting<number | undefined> = {
  option: 'keep',
  rule: 'a whole number from 1',
  example: '14',
  schema: wholeNumber(1, 1_000_000).optional(),
}

const form: Setting<'archive' | 'records'> = {
  option: 'as',
  rule: 'archive or records',
  example: 'records',
  schema: z.enum(['archive', 'records']).default('archive'),
}

/** Adds `joinery backup`, `restore` and `export` to the program. */
export function addArchiveCommands(program: Command): void {
  addDataOptions(program.command('backup'))
    .description('Write all workspaces into one archive and read it back, with or without a running server.')
    .requiredOption('--to <directory>', 'directory of the archives')
    .option('--keep <number>', 'number of archives to keep there; older ones are removed (default: all are kept)')
    .action(runBackup)
  addDataOptions(program.command('restore').argument('<archive>', 'an archive, or a directory, whose newest is taken'))
    .description('Make a new data directory from an archive, and verify it.')
    .action(runRestore)
  addDataOptions(program.command('export').argument('<workspace>', 'its name'))
    .description('Write one workspace into an archive.')
    .requiredOption('--to <file>', 'path of the archive')
    .option('--as <form>', 'archive, or records: JSON lines that any program can read and check (default: archive)')
    .option('--intact-part', 'of a damaged workspace, export the intact part that "joinery repair" would keep')
    .action(runExport)
}

async function runBackup(options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const target = resolve(readSetting(to, options, process.env))
  const kept = readSetting(keep, options, process.env)
  const path = join(target, archiveName(new Date()))
  // Before the archive: a head that is newer than the archive would contradict what is restored from it.
  const heads = await readHeadLogs(join(directory, HEAD_LOG_FILE))
  const { beside: files, ...summary } = await archive(directory, {}, path, () => backUpFiles(directory, path))
  if (heads !== undefined) await writeFile(headsBeside(path), heads, { mode: 0o600 })
  say(
    isJson
      ? JSON.stringify({ ...summary, ...(files.files > 0 && { files }) })
      : `${describe(summary)}${filesHeld(files)}`,
  )
  warnOfDamagedFiles(files, 'the backup lacks them, so no older backup was removed')
  if (summary.damaged.length > 0) {
    throw new AppError(
      'failed',
      `the backup lacks ${formatCount(summary.damaged.length, 'damaged workspace')}, so no older backup was removed: see "joinery repair"`,
    )
  }
  if (kept === undefined) return
  for (const old of (await listArchives(target)).slice(0, -kept)) {
    await rm(old)
    await rm(headsBeside(old), { force: true })
  }
  await removeUnlisted(target)
}

/** The file beside an archive that has the signed heads of its time. */
function headsBeside(archive: string): string {
  return `${archive}.heads`
}

/** Puts the signed heads of an archive's time into the directory that is made from it. */
async function restoreHeads(archive: string, draft: string): Promise<void> {
  const heads = await readHeadLogs(headsBeside(archive))
  if (heads !== undefined) await writeFile(join(draft, HEAD_LOG_FILE), heads, { mode: 0o600 })
}

async function runExport(workspace: string, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const choice = options.intactPart === true ? { intactPartOf: workspace } : { workspaces: [workspace] }
  if (readSetting(form, options, process.env) === 'records') {
    const written = await records(directory, workspace, choice, resolve(readSetting(to, options, process.env)))
    return say(isJson ? JSON.stringify(written) : `wrote ${written.file}: ${formatCount(written.records, 'record')}`)
  }
  const path = resolve(readSetting(to, options, process.env))
  const { beside: _, ...summary } = await archive(directory, choice, path, async () => undefined)
  say(isJson ? JSON.stringify(summary) : describe(summary))
}

async function archive<T>(directory: string, choice: ArchiveChoice, file: string, beside: () => Promise<T>) {
  const bar = openProgressBar('records')
  try {
    const watched = { onProgress: bar.onProgress, onBytes: bar.onBytes, signal: stopSignal() }
    return await withOperator(directory, (operator) => writeArchive(file, operator.archive(choice, watched), beside))
  } finally {
    bar.stop()
  }
}

async function records(directory: string, workspace: string, choice: ArchiveChoice, file: string) {
  const signal = stopSignal()
  let count = 0
  await withOperator(directory, (operator) => {
    count = 0
    const lines = recordLines(workspace, operator.archive(choice, { signal }), () => count++)
    return writeNew(file, lines, async () => undefined)
  })
  return { file, workspace, records: count }
}

async function runRestore(path: string, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const file = await archiveAt(resolve(path))
  const bar = openProgressBar('records')
  try {
    const watched = { onProgress: bar.onProgress, signal: stopSignal() }
    const { revoked, unreadable } = await explained(() => archivedRevocations(file))
    let files: CopiedFiles | undefined
    const complete = async (draft: string): Promise<void> => {
      await keepRevoked(draft, revoked)
      await restoreHeads(file, draft)
      files = await restoreFiles({ archive: file, to: filesFolderOf(draft) })
    }
    const imported = await explained(() =>
      withLoadThread({ limits: loadLimitsOf(process.env) }, (load) =>
        restoreArchive(directory, () => createReadStream(file), { ...watched, load, complete }),
      ),
    )
    bar.stop()
    const revokedActors = new Set(revoked.map(({ actor }) => actor)).size
    const restored = `restored ${directory}: ${counts(imported)}${revokedActors === 0 ? '' : `, revoked tokens of ${formatCount(revokedActors, 'actor')}`}`
    const all = { directory, file, ...imported, revokedActors, ...(files && { files }) }
    say(isJson ? JSON.stringify(all) : `${restored}${filesHeld(files)}`)
    for (const other of unreadable) {
      console.error(`${other} can't be read: if tokens were revoked before it was made, revoke them again`)
    }
    warnOfDamaged(imported)
    warnOfDamagedFiles(files, 'they could not be restored')
  } finally {
    bar.stop()
  }
}

/** `3 workspaces, 2 system logs, 120 records`, and which system logs were there already. */
export function counts({ workspaces, systemLogs, leftOut }: Imported): string {
  const records = [...workspaces, ...systemLogs].reduce((sum, each) => sum + each.records, 0)
  const logs = systemLogs.length > 0 ? [formatCount(systemLogs.length, 'system log')] : []
  const kept = leftOut.length > 0 ? [`left as they are: ${leftOut.join(', ')}`] : []
  return [formatCount(workspaces.length, 'workspace'), ...logs, formatCount(records, 'record'), ...kept].join(', ')
}

/** Throws {@link AppError} `failed` if damaged workspaces had been left out of the archive. */
export function warnOfDamaged({ damaged }: Imported): void {
  if (damaged.length === 0) return
  const names = damaged.map(({ workspace }) => workspace).join(', ')
  throw new AppError('failed', `not in the archive, because they were damaged when it was made: ${names}`)
}

/** `, 3 files (20 MB)`; nothing where there are none. */
export function filesHeld(files: CopiedFiles | undefined): string {
  if (files === undefined || files.files === 0) return ''
  return `, ${formatCount(files.files, 'file')} (${formatBytes(files.bytes)})`
}

/** Throws {@link AppError} `failed` if files were damaged. */
export function warnOfDamagedFiles(files: CopiedFiles | undefined, what: string): void {
  if (files === undefined || files.damaged.length === 0) return
  const names = files.damaged.slice(0, 10).join(', ')
  const count = formatCount(files.damaged.length, 'uploaded file')
  throw new AppError('failed', `${count} damaged or gone, below blobs: ${names}: ${what}`)
}

function describe({ file, bytes, workspaces, systemLogs, records, damaged }: ArchiveSummary): string {
  const lines = damaged.map(({ workspace, reason }) => `left out ${workspace}: ${reason}`)
  const logs = systemLogs > 0 ? [formatCount(systemLogs, 'system log')] : []
  const held = [formatCount(workspaces, 'workspace'), ...logs, formatCount(records, 'record'), formatBytes(bytes)]
  return [`wrote ${file}: ${held.join(', ')}`, ...lines].join('\n')
}
