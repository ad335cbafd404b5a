import { once } from 'node:events'
import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import type { Options } from '../setting.mts'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Adds `joinery work` to the program. */
export function addWorkCommand(program: Command): void {
  program
    .command('work')
    .description('Run the steps of sagas for a server, until SIGTERM or SIGINT.')
    .argument('[file]', 'JavaScript or TypeScript that exports a list of sagas by default')
    .option('--resources <file>', 'run the adapters of this file of resources instead')
    .option('--machines <file>', 'with --resources: JSON list of status tables of your own')
    .option('--vectors <directory>', 'with --resources: directory of the server’s vectors, which its own worker shares')
    .option('--url <url>', 'the server (default: http://127.0.0.1:1234)')
    .option('--token <token>', 'a token whose claim "work" names the sagas [JOINERY_TOKEN]')
    .option('--name <name>', 'name of this worker, for people (default: host and process)')
    .option('--concurrency <number>', 'steps that run at once (default: 16)')
    .option('--check', 'only load the file, and say which sagas it has')
    .action(async (file: string | undefined, options: Options) => {
      if ((file === undefined) === (options.resources === undefined)) {
        throw new AppError('usage', 'work takes a file of sagas, or --resources and a file of resources')
      }
      if (options.check === true && file !== undefined) {
        const { checkSagas } = await import('./work-command.mts')
        await checkSagas(file)
        process.exit(0)
      }
      const stopped = Promise.race(SIGNALS.map((signal) => once(process, signal)))
      for (const signal of SIGNALS) process.on(signal, () => {})
      const { runWorker } = await import('./work-command.mts')
      await runWorker(file, options, process.env, stopped)
      // Code of a step that did not end in time must not keep the process.
      process.exit(0)
    })
}
