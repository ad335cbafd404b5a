import { type DirectoryReport, isIntact, type Problem } from '@joinery/log/operations'
import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import { openProgressBar } from './progress.mts'
import { formatBytes, formatCount } from './table.mts'
import { runVerifyHeads } from './verify-heads.mts'

/** Adds `joinery verify` to the program. */
export function addVerifyCommand(program: Command): void {
  addDataOptions(program.command('verify'))
    .description(
      'Check every byte of the data directory, and load every workspace; exits with 0 only if all is intact.',
    )
    .option('--head <file>', 'only say whether the data has the history that the signed heads in this file stand for')
    .option('--key <key>', 'with --head: the public key that must have signed them')
    .action(async (options: Options) => {
      if (options.head !== undefined) return await runVerifyHeads(options)
      if (options.key !== undefined)
        throw new AppError('usage', '--key goes with --head: give the file of a signed head')
      return await runVerify(options)
    })
}

async function runVerify(options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const bar = openProgressBar('records')
  try {
    const watched = { onProgress: bar.onProgress, signal: stopSignal() }
    const report = await withOperator(directory, (operator) => operator.verify(watched))
    bar.stop()
    say(isJson ? JSON.stringify({ intact: isIntact(report), directory, ...report }) : describeReport(report))
    if (!isIntact(report))
      throw new AppError('failed', `${directory} is not intact: the report on stdout lists the problems`)
  } finally {
    bar.stop()
  }
}

/** One line that counts what was checked, and one line for each problem. */
function describeReport(report: DirectoryReport): string {
  const { files, bytes, problems, store } = report
  const { workspaces = [], systemLogs = [] } = store ?? {}
  const logs = [...workspaces, ...systemLogs]
  const count = (of: 'records' | 'snapshots'): number => logs.reduce((sum, each) => sum + each[of], 0)
  const seen = [
    formatCount(workspaces.length, 'workspace'),
    ...(systemLogs.length > 0 ? [formatCount(systemLogs.length, 'system log')] : []),
    formatCount(count('records'), 'record'),
    formatCount(count('snapshots'), 'snapshot'),
  ]
  const lines = [...problems, ...(store?.problems ?? [])].map(describeProblem)
  for (const each of logs) {
    lines.push(...each.problems.map(describeProblem))
    const unlisted = each.problemCount - each.problems.length
    if (unlisted > 0) lines.push(`… and ${unlisted} more of ${each.workspace}`)
  }
  const verdict = isIntact(report) ? 'intact' : 'NOT INTACT'
  const looked = [formatCount(files, 'file'), formatBytes(bytes), ...(store === undefined ? [] : seen)]
  return [`${verdict}: ${looked.join(', ')}`, ...lines].join('\n')
}

function describeProblem({ code, message }: Problem): string {
  return `${code}: ${message}`
}
