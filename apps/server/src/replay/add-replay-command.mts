import type { Command } from 'commander'
import type { Options } from '../setting.mts'

/** Adds `joinery replay` to the program. */
export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('Play a recorded editing history through a server, and check the final text of every client.')
    .argument('<trace>', 'gzipped JSON: endContent, txns of patches [position, deleteCount, insert]')
    .option('--url <url>', 'a running server (default: a server of its own, on a temporary data directory)')
    .option('--durability <when>', 'of that own server: memory, async or sync (default: async)')
    .option('--workspace <name>', 'workspace to write into (default: replay)')
    .option('--speed <speed>', 'flat, or edits per second (default: flat)')
    .option('--watchers <number>', 'number of clients that only read (default: 2)')
    .addHelpText('after', '\nA token for --url comes from JOINERY_TOKEN.')
    .action(async (path: string, options: Options) => {
      const { runReplay } = await import('./command.mts')
      await runReplay(path, options)
    })
}
