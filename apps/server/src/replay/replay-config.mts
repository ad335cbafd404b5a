import { parseWorkspaceName, WORKSPACE_NAME_RULE } from '@joinery/protocol'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { DURABILITIES, type ServeConfig } from '../serve-config.mts'
import { type Environment, type Options, readSetting, type Setting, wholeNumber } from '../setting.mts'
import type { Speed } from './pace.mts'

/** Settings of `joinery replay`, checked. */
export interface ReplayConfig {
  readonly server:
    | { readonly kind: 'own'; readonly durability: ServeConfig['durability'] }
    | { readonly kind: 'running'; readonly url: string; readonly token: string | undefined }
  readonly workspace: string
  readonly speed: Speed
  readonly watcherCount: number
}

const EDITS_PER_SECOND_MAX = 1_000_000
const WATCHERS_MAX = 1_000

const url: Setting<string | undefined> = {
  option: 'url',
  rule: 'the address of a running server, ws:// or wss://',
  example: 'ws://127.0.0.1:1234',
  schema: z
    .string()
    .refine((text) => URL.canParse(text) && /^wss?:$/.test(new URL(text).protocol))
    .optional(),
}

const durability: Setting<ServeConfig['durability']> = {
  option: 'durability',
  rule: 'one of memory, async, sync',
  example: 'sync',
  schema: z.enum(DURABILITIES).default('async'),
}

const workspace: Setting<string> = {
  option: 'workspace',
  rule: `a name (${WORKSPACE_NAME_RULE})`,
  example: 'replay-2',
  schema: z
    .string()
    .refine((name) => parseWorkspaceName(name) !== undefined)
    .default('replay'),
}

const speed: Setting<Speed> = {
  option: 'speed',
  rule: `flat, or edits per second as a whole number from 1 to ${EDITS_PER_SECOND_MAX}`,
  example: '100',
  schema: z
    .string()
    .default('flat')
    .pipe(z.union([z.literal('flat'), wholeNumber(1, EDITS_PER_SECOND_MAX)])),
}

const watchers: Setting<number> = {
  option: 'watchers',
  rule: `a whole number from 0 to ${WATCHERS_MAX}`,
  example: '2',
  schema: z.string().default('2').pipe(wholeNumber(0, WATCHERS_MAX)),
}

/**
 * Reads the settings. The token comes from JOINERY_TOKEN only: everyone on a machine can read its command lines. Throws
 * {@link AppError} `usage`.
 */
export function parseReplayConfig(options: Options, environment: Environment): ReplayConfig {
  const running = readSetting(url, options, environment)
  if (running !== undefined && options.durability !== undefined) {
    throw new AppError(
      'usage',
      '--durability and --url exclude each other, because a running server has its durability: leave one of them out',
    )
  }
  return {
    server:
      running === undefined
        ? { kind: 'own', durability: readSetting(durability, options, environment) }
        : { kind: 'running', url: running, token: environment.JOINERY_TOKEN || undefined },
    workspace: readSetting(workspace, options, environment),
    speed: readSetting(speed, options, environment),
    watcherCount: readSetting(watchers, options, environment),
  }
}
