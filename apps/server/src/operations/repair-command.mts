import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import type { RepairOutcome } from './operator.mts'
import { formatBytes, formatCount } from './table.mts'

/** Adds `joinery repair` to the program. */
export function addRepairCommand(program: Command): void {
  addDataOptions(program.command('repair').argument('<workspace>', 'its name'))
    .description(
      'List the damage of a workspace and what can be kept; with --yes, end it at its last good state. A newer backup is better.',
    )
    .option('--yes', 'repair it; a file under "repaired" in the data directory keeps all that was there')
    .action(runRepair)
}

async function runRepair(workspace: string, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const watched = { signal: stopSignal() }
  const outcome = await withOperator(directory, (operator) => operator.repair(workspace, options.yes === true, watched))
  const isDone = 'remains' in outcome
  const isWhole = outcome.problemCount === 0
  say(isJson ? JSON.stringify({ directory, repaired: isDone, ...outcome }) : describe(outcome))
  if (isDone || isWhole) return
  throw new AppError('failed', `${workspace} is damaged and was not changed: add --yes to repair it`)
}

function describe(outcome: RepairOutcome): string {
  const { workspace, problems, problemCount, kept, droppedBefore, droppedBehind, keptUntil } = outcome
  if (problemCount === 0) return `${workspace} is intact: nothing to repair`
  const lines = problems.map(({ code, message }) => `${code}: ${message}`)
  if (problemCount > problems.length) lines.push(`… and ${problemCount - problems.length} more`)
  const [keeps, drops] = 'remains' in outcome ? ['kept', 'dropped'] : ['would keep', 'would drop']
  const whole = kept.firstLsn > kept.head ? 'no record' : `records ${kept.firstLsn} to ${kept.head}`
  const until = keptUntil === undefined ? '' : `, as of ${new Date(keptUntil).toISOString()}`
  lines.push(`${keeps}: ${whole}, ${formatCount(kept.snapshots, 'snapshot')}${until}`)
  if (droppedBehind > 0) {
    const last = kept.head + droppedBehind
    lines.push(
      `${drops}: what was written in records ${kept.head + 1} to ${last} (${formatCount(droppedBehind, 'record')}); clients set their copies aside and load the workspace again`,
    )
  }
  if (droppedBefore > 0) {
    lines.push(`${drops}: the history of ${formatCount(droppedBefore, 'record')} before; what they wrote stays`)
  }
  if (!('remains' in outcome)) return lines.join('\n')
  const { path, entries, bytes } = outcome.remains
  lines.push(`repaired: all that was there (${formatCount(entries, 'key')}, ${formatBytes(bytes)}) is in ${path}`)
  return lines.join('\n')
}
