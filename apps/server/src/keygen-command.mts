import { resolve } from 'node:path'
import { makeHeadKey } from '@joinery/log'
import type { Command } from 'commander'
import { z } from 'zod'
import { explained } from './operations/open-operator.mts'
import { type Options, readSetting, type Setting } from './setting.mts'

const out: Setting<string> = {
  option: 'out',
  rule: 'the path of a file that is not there yet',
  example: './head.key',
  schema: z.string().min(1),
}

/** Adds `joinery keygen` to the program. */
export function addKeygenCommand(program: Command): void {
  program
    .command('keygen')
    .description('Make a key to sign heads with, and print its public key.')
    .requiredOption('--out <file>', 'path of the new key, for "joinery serve --head-key"')
    .option('--json', 'print JSON')
    .action(runKeygen)
}

async function runKeygen(options: Options): Promise<void> {
  const file = resolve(readSetting(out, options, process.env))
  const key = await explained(() => makeHeadKey(file))
  console.log(options.json === true ? JSON.stringify({ file, key }) : key)
}
