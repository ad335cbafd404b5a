import type { Command } from 'commander'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import type { Removal } from './operator.mts'

const DONE: Readonly<Record<Removal, string>> = {
  delete: 'deleted; "joinery undelete" restores it, "joinery purge" removes its bytes',
  undelete: 'restored',
  purge: 'removed for good',
}

const DESCRIPTIONS: Readonly<Record<Removal, string>> = {
  delete: 'Delete a workspace: nobody can open it any more, and its bytes stay.',
  undelete: 'Restore a deleted workspace.',
  purge: 'Remove all bytes of a deleted workspace, for good.',
}

/** Adds `joinery delete`, `undelete` and `purge` to the program. */
export function addRemovalCommands(program: Command): void {
  for (const removal of ['delete', 'undelete', 'purge'] as const) {
    addDataOptions(program.command(removal).argument('<workspace>', 'its name'))
      .description(DESCRIPTIONS[removal])
      .action(async (workspace: string, options: Options) => {
        const { directory, isJson } = readDataOptions(options)
        await withOperator(directory, (operator) => operator.remove(removal, workspace))
        say(isJson ? JSON.stringify({ directory, workspace, done: removal }) : `${workspace} is ${DONE[removal]}`)
      })
  }
}
