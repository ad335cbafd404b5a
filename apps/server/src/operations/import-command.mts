import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { makeArchive, readYLeveldb } from '@joinery/log/operations'
import type { Command } from 'commander'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { filesFolderOf } from '../files/files-folder.mts'
import { say } from '../say.mts'
import { type Options, readSetting, type Setting } from '../setting.mts'
import { counts, filesHeld, warnOfDamaged, warnOfDamagedFiles } from './archive-commands.mts'
import { archiveAt, workspacesIn } from './archive-file.mts'
import { restoreFiles } from './backed-up-files.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import type { ConvertedDocument, ConvertOptions } from './foreign-documents.mts'
import { explained, withOperator } from './open-operator.mts'
import type { ImportChoice } from './operator.mts'
import { openProgressBar } from './progress.mts'
import { formatBytes, formatTable } from './table.mts'

const FORMATS = ['archive', 'y-leveldb', 'hocuspocus-sqlite'] as const

const from: Setting<(typeof FORMATS)[number]> = {
  option: 'from',
  rule: `one of ${FORMATS.join(', ')}`,
  example: 'y-leveldb',
  schema: z.enum(FORMATS).default('archive'),
}

const updates: Setting<string | undefined> = {
  option: 'updates',
  rule: 'a directory',
  example: './documents',
  schema: z.string().min(1).optional(),
}

const workspace: Setting<string[] | undefined> = {
  option: 'workspace',
  rule: 'names joined by commas',
  example: 'demo,acme/plan',
  schema: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .refine((names) => names.every((name) => name !== ''))
    .optional(),
}

const as: Setting<string | undefined> = {
  option: 'as',
  rule: 'the name of a workspace',
  example: 'demo-restored',
  schema: z.string().min(1).optional(),
}

/** Adds `joinery import` to the program. */
export function addImportCommand(program: Command): void {
  addDataOptions(program.command('import').argument('[path]', 'an archive, or what --from names'))
    .description('Import all workspaces or none, with or without a running server. No workspace is replaced.')
    .option(
      '--from <format>',
      'archive (default), y-leveldb (the directory of y-websocket’s documents), or hocuspocus-sqlite (the file of its store)',
    )
    .option(
      '--updates <directory>',
      'instead of a path: files <name>.bin, each one Yjs update; the name percent-encoded',
    )
    .option('--workspace <names>', 'only these workspaces, joined by commas (default: all)')
    .option('--as <name>', 'new name, if only one workspace is imported: it becomes a separate copy')
    .option('--mend-names', 'from other programs: change document names that no workspace can have')
    .option('--keep-statuses', 'from other programs: take in statuses of files, payments and tasks, whoever wrote them')
    .option('--dry-run', 'from other programs: only list the workspaces that would be made')
    .action(runImport)
}

async function runImport(path: string | undefined, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const origin = originOf(path, options)
  const workspaces = readSetting(workspace, options, process.env)
  const name = readSetting(as, options, process.env)
  if (name !== undefined && (workspaces?.length ?? 1) !== 1) {
    throw new AppError('usage', '--as is a name for one workspace: name one with --workspace, too')
  }
  const convert = { isMending: options.mendNames === true, keepsStatuses: options.keepStatuses === true }
  if (origin.format === 'archive' && (convert.isMending || convert.keepsStatuses || options.dryRun === true)) {
    throw new AppError(
      'usage',
      '--mend-names, --keep-statuses and --dry-run work only with --from another program or --updates: add that, or leave them out',
    )
  }
  const choice = { ...(workspaces && { workspaces }), ...(name !== undefined && { as: name }) }
  const target = { directory, isJson, choice }
  if (origin.format === 'archive') return importFrom(await archiveAt(origin.path), target)
  const documents = await documentsOf(origin.format, origin.path, convert)
  if (options.dryRun === true) return describeDocuments(documents, isJson)
  const draft = await mkdtemp(join(tmpdir(), 'joinery-convert-'))
  try {
    const file = join(draft, 'archive')
    await explained(() =>
      pipeline(makeArchive(origin.format, Date.now(), documents), createWriteStream(file, { mode: 0o600 })),
    )
    await importFrom(file, target)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

type Format = (typeof FORMATS)[number] | 'updates'

/** The source of an import and its format. Throws {@link AppError} `usage` unless the command names exactly one. */
function originOf(path: string | undefined, options: Options): { readonly format: Format; readonly path: string } {
  const directory = readSetting(updates, options, process.env)
  if (directory === undefined) {
    if (path !== undefined) return { format: readSetting(from, options, process.env), path: resolve(path) }
    throw new AppError('usage', 'name what to import: an archive, or what --from names, or --updates <directory>')
  }
  if (path === undefined && options.from === undefined) return { format: 'updates', path: resolve(directory) }
  throw new AppError('usage', '--updates names a directory by itself: leave out the path and --from')
}

async function documentsOf(
  format: Exclude<Format, 'archive'>,
  path: string,
  options: ConvertOptions,
): Promise<AsyncIterable<ConvertedDocument>> {
  const { convertDocuments } = await import('./foreign-documents.mts')
  if (format === 'y-leveldb') return convertDocuments(format, readYLeveldb(path), options)
  if (format === 'updates') {
    const { readUpdateFiles } = await import('./update-files.mts')
    return convertDocuments('import', readUpdateFiles(path), options)
  }
  const { readHocuspocusSqlite } = await import('./hocuspocus-sqlite.mts')
  return convertDocuments('hocuspocus', readHocuspocusSqlite(path), options)
}

type Target = { readonly directory: string; readonly isJson: boolean; readonly choice: ImportChoice }

async function importFrom(file: string, { directory, isJson, choice }: Target): Promise<void> {
  const bar = openProgressBar('records')
  try {
    const watched = { onProgress: bar.onProgress, signal: stopSignal() }
    const imported = await withOperator(directory, (operator) => operator.import(file, choice, watched))
    bar.stop()
    const taken = choice.workspaces ?? (await workspacesIn(file))
    const renamed = new Map(taken.map((from) => [from, choice.as ?? from]))
    const files = await restoreFiles({ archive: file, to: filesFolderOf(directory), renamed })
    const all = { directory, ...imported, ...(files && { files }) }
    say(isJson ? JSON.stringify(all) : `imported ${counts(imported)}${filesHeld(files)}`)
    warnOfDamagedFiles(files, 'they could not be imported')
    if (choice.workspaces === undefined) warnOfDamaged(imported)
  } finally {
    bar.stop()
  }
}

async function describeDocuments(documents: AsyncIterable<ConvertedDocument>, isJson: boolean): Promise<void> {
  const found = await explained(() => Array.fromAsync(documents, ({ entries: _, ...document }) => document))
  if (isJson) return say(JSON.stringify({ documents: found }))
  const rows = found.map(({ name, workspace: target, updates, bytes }) => [name, target, updates, formatBytes(bytes)])
  say(formatTable(['document', 'workspace', 'updates', 'bytes'], rows))
}
