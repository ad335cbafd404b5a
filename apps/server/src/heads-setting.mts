import { resolve } from 'node:path'
import { z } from 'zod'
import { AppError } from './app-error.mts'
import { type Environment, type Options, readSetting, type Setting, wholeNumber } from './setting.mts'

/** How heads are signed and written down. */
export interface HeadsConfig {
  /** File of the private key. Absolute. */
  readonly keyFile: string
  /** File of the log of heads; undefined for the one in the data directory. Absolute. */
  readonly logFile: string | undefined
  /** A head of a workspace is logged after so many records, and so many ms after its first record since the last head. */
  readonly records: number
  readonly ms: number
}

const MS_PER_MINUTE = 60_000
/** Longest time to a head: a timer counts ms in 31 bits. */
const MINUTES_MAX = 30_000

const path = (option: string, variable: string, example: string): Setting<string | undefined> => ({
  ...{ option, variable, example },
  rule: 'the path of a file',
  schema: z.string().min(1).optional(),
})
const number = (option: string, variable: string, max: number, usual: number): Setting<number> => ({
  ...{ option, variable, example: String(usual) },
  rule: `a whole number from 1 to ${max}`,
  schema: wholeNumber(1, max).default(usual),
})

const keyFile = path('headKey', 'JOINERY_HEAD_KEY', './head.key')
const logFile = path('headLog', 'JOINERY_HEAD_LOG', '/mnt/other-disk/heads')
const records = number('headRecords', 'JOINERY_HEAD_RECORDS', 1_000_000_000, 1_000)
const minutes = number('headMinutes', 'JOINERY_HEAD_MINUTES', MINUTES_MAX, 60)

/** Reads the settings of signed heads. Throws {@link AppError} `usage`, also for a setting that is of no use without a key. */
export function readHeadsConfig(
  options: Options,
  environment: Environment,
  directory: string,
): HeadsConfig | undefined {
  const key = readSetting(keyFile, options, environment)
  const log = readSetting(logFile, options, environment)
  const limits = {
    records: readSetting(records, options, environment),
    ms: readSetting(minutes, options, environment) * MS_PER_MINUTE,
  }
  if (key === undefined) {
    if (log === undefined) return undefined
    throw new AppError('usage', '--head-log needs --head-key: make a key by "joinery keygen --out FILE"')
  }
  return {
    keyFile: resolve(directory, key),
    logFile: log === undefined ? undefined : resolve(directory, log),
    ...limits,
  }
}
