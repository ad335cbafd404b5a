import { resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { type Options, readSetting, type Setting } from '../setting.mts'
import { counts, warnOfDamaged } from './archive-commands.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import { openProgressBar } from './progress.mts'

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
  rule: 'a workspace’s name, and --workspace has to name one',
  example: 'demo-restored',
  schema: z.string().min(1).optional(),
}

/** Adds `joinery import` to the program. */
export function addImportCommand(program: Command): void {
  addDataOptions(program.command('import').argument('<path>', 'an archive'))
    .description('Take workspaces from an archive, beside a running server or without; replaces none.')
    .option('--workspace <names>', 'only these, joined by commas (default: all)')
    .option('--as <name>', 'name for the one taken: it becomes a copy of its own')
    .action(runImport)
}

async function runImport(path: string, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const workspaces = readSetting(workspace, options, process.env)
  const name = readSetting(as, options, process.env)
  if (name !== undefined && workspaces?.length !== 1) {
    throw new AppError('usage', '--as needs --workspace with the one name that is to be taken')
  }
  const choice = { ...(workspaces && { workspaces }), ...(name !== undefined && { as: name }) }
  const bar = openProgressBar('records')
  try {
    const watched = { onProgress: bar.onProgress, signal: stopSignal() }
    const imported = await withOperator(directory, (operator) => operator.import(resolve(path), choice, watched))
    bar.stop()
    console.log(isJson ? JSON.stringify({ directory, ...imported }) : `imported ${counts(imported)}`)
    if (workspaces === undefined) warnOfDamaged(imported)
  } finally {
    bar.stop()
  }
}
