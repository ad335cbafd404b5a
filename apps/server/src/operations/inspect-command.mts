import type { StoreInspection, WorkspaceInspection } from '@joinery/log/operations'
import type { Command } from 'commander'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import { formatBytes, formatTable, formatTime } from './table.mts'

/** Adds `joinery inspect` to the program. */
export function addInspectCommand(program: Command): void {
  addDataOptions(program.command('inspect').argument('[workspace]', 'only this one (default: all)'))
    .description('List the workspaces and system logs: their records, last write, bytes, snapshots and segments.')
    .action(runInspect)
}

async function runInspect(workspace: string | undefined, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const inspection = await withOperator(directory, (operator) => operator.inspect(workspace, stopSignal()))
  say(isJson ? JSON.stringify({ directory, ...inspection }) : describe(inspection))
}

const COLUMNS = ['records', 'last written', 'updates', 'stored', 'snapshots', 'segments']

function describe({ workspaces, systemLogs, damaged }: StoreInspection): string {
  const lines: string[] = []
  // A command that names a system log has no workspaces to list.
  if (workspaces.length > 0 || systemLogs.length === 0) {
    lines.push(formatTable(['workspace', ...COLUMNS], workspaces.map(row)))
  }
  if (systemLogs.length > 0) lines.push(formatTable(['system log', ...COLUMNS], systemLogs.map(row)))
  for (const { workspace, reason } of damaged) lines.push(`${workspace}: ${reason}`)
  return lines.join('\n')
}

function row(each: WorkspaceInspection): (string | number)[] {
  const { workspace, firstLsn, head, headAt, records, updateBytes, snapshots, segments } = each
  return [
    workspace,
    head === 0 ? 'none' : `${firstLsn}–${head}`,
    formatTime(headAt),
    formatBytes(updateBytes),
    formatBytes(records.bytes + segments.bytes),
    snapshots.count === 0 ? '-' : `${snapshots.count} (${formatBytes(snapshots.bytes)})`,
    segments.count,
  ]
}
