import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import { keepHistorySetting } from '../keep-history-setting.mts'
import { say } from '../say.mts'
import { type Options, readSetting } from '../setting.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import type { Compaction } from './operator.mts'
import { openProgressBar } from './progress.mts'
import { formatBytes, formatTable } from './table.mts'

/** Adds `joinery compact` to the program. */
export function addCompactCommand(program: Command): void {
  addDataOptions(program.command('compact').argument('[workspace]', 'only this one (default: all)'))
    .description(
      'Pack old records; with --keep-history, also drop older records that are part of a snapshot read back and loaded.',
    )
    .option('--keep-history <amount>', 'forever, days (90d) or a number of records (default: forever)')
    .action(runCompact)
}

async function runCompact(workspace: string | undefined, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const keep = readSetting(keepHistorySetting, options, process.env)
  const bar = openProgressBar('workspaces')
  try {
    const watched = { onProgress: bar.onProgress, signal: stopSignal() }
    const done = await withOperator(directory, (operator) => operator.compact(keep, workspace, watched))
    bar.stop()
    say(isJson ? JSON.stringify({ directory, workspaces: done }) : describe(done))
    const failed = done.filter(({ error }) => error !== undefined)
    if (failed.length === 0) return
    const reasons = failed.map((each) => `${each.workspace}: ${each.error}`).join('; ')
    throw new AppError('failed', `these workspaces could not be compacted and are as they were: ${reasons}`)
  } finally {
    bar.stop()
  }
}

function describe(done: readonly Compaction[]): string {
  const rows = done.map(({ workspace, dropped, firstLsn, sealed, bytesBefore, bytesAfter }) => {
    const packed = sealed === 0 ? '-' : `${formatBytes(bytesBefore)} to ${formatBytes(bytesAfter)}`
    return [workspace, dropped, firstLsn, sealed, packed]
  })
  return formatTable(['workspace', 'dropped', 'first record', 'packed', 'from'], rows)
}
