import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import type { LeaseRow } from './store-leases.mts'
import { formatTable, formatTime } from './table.mts'

/** Adds `joinery leases list`, `show` and `release` to the program. */
export function addLeasesCommand(program: Command): void {
  const leases = program.command('leases').description('List the leases of a workspace, or release one.')
  addDataOptions(leases.command('list').argument('<workspace>', 'its name'))
    .description('List the leases that stand: who holds what since when, and how many wait.')
    .action(async (workspace: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const rows = await withOperator(directory, (operator) => operator.leases(workspace))
      say(isJson ? JSON.stringify({ directory, workspace, leases: rows }) : describe(rows))
    })
  addDataOptions(leases.command('show').argument('<workspace>', 'its name').argument('<lease>', 'name of the lease'))
    .description('Show one lease; exits with 1 while nobody holds it.')
    .action(async (workspace: string, name: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const rows = await withOperator(directory, (operator) => operator.leases(workspace))
      const row = rows.find((lease) => lease.name === name)
      if (row === undefined)
        throw new AppError('failed', `nobody holds the lease ${JSON.stringify(name)} of ${workspace}`)
      say(isJson ? JSON.stringify({ directory, workspace, ...row }) : describe([row]))
    })
  addDataOptions(leases.command('release').argument('<workspace>', 'its name').argument('<lease>', 'name of the lease'))
    .description('Release a lease whose holder does not: its later writes are refused, and the next that waits has it.')
    .action(async (workspace: string, name: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const { holder, fence } = await withOperator(directory, (operator) => operator.releaseLease(workspace, name))
      say(
        isJson
          ? JSON.stringify({ directory, workspace, name, holder, fence, done: 'release' })
          : `the lease ${JSON.stringify(name)} of ${workspace} is released: ${holder} held it (fence ${fence})`,
      )
    })
}

function describe(rows: readonly LeaseRow[]): string {
  if (rows.length === 0) return 'nobody holds a lease'
  const cells = rows.map(({ name, holder, actor, fence, acquiredAt, remainingMs, waiting }) => {
    return [name, holder, actor, fence, formatTime(acquiredAt), `${(remainingMs / 1_000).toFixed(1)} s`, waiting]
  })
  return formatTable(['lease', 'holder', 'actor', 'fence', 'since', 'ends in', 'waiting'], cells)
}
