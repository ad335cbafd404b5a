import type { Command } from 'commander'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { say } from '../say.mts'
import { type Options, readSetting, type Setting } from '../setting.mts'
import { addDataOptions, readDataOptions } from './data-options.mts'
import { parseMoment } from './history-command.mts'
import { withOperator } from './open-operator.mts'

const sub: Setting<string> = {
  option: 'sub',
  rule: 'the actor that the tokens name, 1 to 128 characters',
  example: 'ada',
  schema: z.string().min(1).max(128),
}

const since: Setting<number | undefined> = {
  option: 'since',
  rule: 'a time (2026-05-01T12:00Z) or how long ago (10m), not later than now',
  example: '10m',
  schema: z
    .string()
    .transform(parseMoment)
    .pipe(z.number())
    .refine((ms) => ms <= Date.now())
    .optional(),
}

/** Adds `joinery revoke` to the program. */
export function addRevokeCommand(program: Command): void {
  addDataOptions(program.command('revoke'))
    .description('Refuse an actor’s tokens that were issued before a time, and end its connections now.')
    .option('--sub <actor>', 'actor that the tokens name')
    .option('--since <time>', 'tokens issued before this time are refused; a time, or how long ago (default: now)')
    .action(async (options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const actor = readSetting(sub, options, process.env)
      const sinceMs = readSetting(since, options, process.env) ?? Date.now()
      const ended = await withOperator(directory, (operator) => operator.revoke(actor, sinceMs))
      if (!Number.isInteger(ended)) throw new AppError('failed', 'the server did not say what it has ended')
      const time = new Date(sinceMs).toISOString()
      say(
        isJson
          ? JSON.stringify({ directory, actor, since: time, ended })
          : `the tokens of ${actor} that were issued before ${time} are refused; connections ended: ${ended}`,
      )
    })
}
