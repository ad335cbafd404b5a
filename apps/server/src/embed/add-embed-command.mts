import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { type Options, readSetting, type Setting, wholeNumber } from '../setting.mts'
import { assertInstalled, DIMENSIONS, MODEL, MODEL_FOLDER } from './model-packages.mts'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
const KEY_LENGTH_MIN = 16

const port: Setting<number> = {
  option: 'port',
  rule: 'a whole number from 0 to 65535',
  example: '1235',
  schema: wholeNumber(0, 65_535).default(1235),
}

const host: Setting<string> = {
  option: 'host',
  rule: 'an address to listen on',
  example: '127.0.0.1',
  schema: z.string().min(1).default('127.0.0.1'),
}

/** Adds `joinery embed` to the program. */
export function addEmbedCommand(program: Command): void {
  program
    .command('embed')
    .description('Serve embeddings (POST /v1/embeddings) from a small model on this machine, until SIGTERM or SIGINT.')
    .option('--port <number>', 'port to listen on; 0 takes any free one (default: 1235)')
    .option('--host <address>', 'address to listen on; others than this machine need a key (default: 127.0.0.1)')
    .option('--model <folder>', 'folder in which the packages of the model are installed')
    .addHelpText('after', '\nKey: JOINERY_EMBED_KEY (at least 16 characters), sent as bearer token by clients.')
    .action(async (options: Options) => {
      const folder = options.model === undefined ? MODEL_FOLDER : resolve(String(options.model))
      assertInstalled(folder)
      const settings = {
        port: readSetting(port, options, {}),
        host: readSetting(host, options, {}),
        key: await keyFor(options),
      }
      const stopped = Promise.race(SIGNALS.map((signal) => once(process, signal)))
      for (const signal of SIGNALS) process.on(signal, () => {})
      const { startEmbedServer } = await import('./embed-server.mts')
      const log = (line: string): void => console.error(`joinery: ${line}`)
      const server = await startEmbedServer({ ...settings, folder, log })
      console.log(`joinery embedding on ${server.url} (${MODEL}, ${DIMENSIONS} dimensions)`)
      await stopped
      await server.close()
    })
}

/** The key of clients. Throws {@link AppError} `usage` for a short one, and for none where others than this machine could ask. */
async function keyFor(options: Options): Promise<string | undefined> {
  const { isLoopbackHost } = await import('@joinery/server')
  const key = process.env.JOINERY_EMBED_KEY
  if (key !== undefined && key.length < KEY_LENGTH_MIN)
    throw new AppError('usage', `JOINERY_EMBED_KEY must have at least ${KEY_LENGTH_MIN} characters`)
  if (key === undefined && !isLoopbackHost(readSetting(host, options, {})))
    throw new AppError('usage', 'others than this machine could ask: set JOINERY_EMBED_KEY, or listen on 127.0.0.1')
  return key
}
