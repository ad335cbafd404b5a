import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { KeepHistory } from '@joinery/log'
import { isLoopbackHost, isOrigin, type QuotaLimits } from '@joinery/server'
import { z } from 'zod'
import { AppError } from './app-error.mts'
import { type ClusterConfig, readClusterConfig } from './cluster/cluster-setting.mts'
import { dataSetting } from './data-setting.mts'
import { type HeadsConfig, readHeadsConfig } from './heads-setting.mts'
import { keepHistorySetting } from './keep-history-setting.mts'
import { type Limits, readLimits } from './limits-setting.mts'
import { type PageConfig, readPageConfig } from './page-setting.mts'
import { type Environment, type Options, readSetting, type Setting, wholeNumber } from './setting.mts'

export const DURABILITIES = ['memory', 'async', 'sync'] as const
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** Settings of `joinery serve`, checked. */
export interface ServeConfig {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Absolute; unused when durability is `memory`. */
  readonly dataDirectory: string
  readonly durability: (typeof DURABILITIES)[number]
  /** Whether an edit is acknowledged only when the cluster has it, besides this node's disk. */
  readonly isReplicated: boolean
  /** Amount of history that stays readable. */
  readonly keepHistory: KeepHistory
  /** Free space on its disk below which the server is not ready, bytes. */
  readonly diskFreeBytesMin: number
  readonly logLevel: (typeof LOG_LEVELS)[number]
  /** Origins of pages that may connect; undefined means all of them with keys, and those of this machine without. */
  readonly origins: readonly string[] | undefined
  /** TCP connections of one address, and sockets of one principal; undefined for no limit. */
  readonly connectionsPerAddressMax: number | undefined
  readonly connectionsPerPrincipalMax: number | undefined
  /** File of an application's own machines; undefined for none. Absolute. */
  readonly machinesFile: string | undefined
  /** File of resources: adapters, webhooks in and out; undefined for none. Absolute. */
  readonly resourcesFile: string | undefined
  /** File of sagas that the server's own worker runs; undefined for none. Absolute. */
  readonly workFile: string | undefined
  /** Settings of the pages. */
  readonly page: PageConfig
  /** Other limits than the defaults. */
  readonly limits: Limits
  /** The quotas of one principal. One that is absent is off. */
  readonly quotas: Partial<QuotaLimits>
  /** The signing of heads; undefined if there is no key. */
  readonly heads: HeadsConfig | undefined
  /** The cluster that this server is a node of; undefined for a single one. */
  readonly cluster: ClusterConfig | undefined
  /** Whether others may reach it although there are no keys. */
  readonly isInsecure: boolean
  /** Absent in development mode: everyone may connect and write as any source. */
  readonly keys: { readonly secret: string } | { readonly jwks: string } | undefined
}

const host: Setting<string> = {
  option: 'host',
  variable: 'JOINERY_HOST',
  rule: 'an IP address of this machine or a host name',
  example: '0.0.0.0',
  schema: z
    .string()
    .refine((name) => isIP(name) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name))
    .default('127.0.0.1'),
}

const port: Setting<number> = {
  option: 'port',
  variable: 'PORT',
  rule: 'a whole number from 0 to 65535 (0 takes any free port)',
  example: '1234',
  schema: wholeNumber(0, 65_535).default(1234),
}

const REPLICATED = 'replicated'

const durability: Setting<ServeConfig['durability'] | typeof REPLICATED | undefined> = {
  option: 'durability',
  variable: 'JOINERY_DURABILITY',
  rule: 'one of memory, async, sync, and replicated for a node of a cluster',
  example: 'sync',
  schema: z.enum([...DURABILITIES, REPLICATED]).optional(),
}

const keepHistory: Setting<KeepHistory> = { ...keepHistorySetting, variable: 'JOINERY_KEEP_HISTORY' }

/** LevelDB writes new tables before it deletes the old ones, and stops writing when there is no space for them. */
const DISK_FREE_DEFAULT_MB = 256
const BYTES_PER_MB = 1_000_000

const diskFree: Setting<number> = {
  option: 'diskFree',
  variable: 'JOINERY_DISK_FREE',
  rule: 'a whole number of megabytes',
  example: '1000',
  schema: wholeNumber(0, 1_000_000_000)
    .default(DISK_FREE_DEFAULT_MB)
    .transform((megabytes) => megabytes * BYTES_PER_MB),
}

const logLevel: Setting<ServeConfig['logLevel']> = {
  option: 'logLevel',
  variable: 'JOINERY_LOG_LEVEL',
  rule: `one of ${LOG_LEVELS.join(', ')}`,
  example: 'info',
  schema: z.enum(LOG_LEVELS).default('info'),
}

const origins: Setting<readonly string[] | undefined> = {
  option: 'origins',
  variable: 'JOINERY_ORIGINS',
  rule: 'origins of pages (scheme://host, a port if it is not the usual one, no path, no wildcard, not "null") joined by commas',
  example: 'https://app.example.org,http://localhost:5173',
  schema: z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((list) => list.every(isOrigin))
    .optional(),
}

const machines: Setting<string | undefined> = {
  option: 'machines',
  variable: 'JOINERY_MACHINES',
  rule: 'the path of a JSON file with a list of status tables',
  example: 'machines.json',
  schema: z.string().min(1).optional(),
}

const work: Setting<string | undefined> = {
  option: 'work',
  variable: 'JOINERY_WORK',
  rule: 'the path of a JavaScript or TypeScript file that exports a list of sagas by default',
  example: 'sagas.ts',
  schema: z.string().min(1).optional(),
}

const resources: Setting<string | undefined> = {
  option: 'resources',
  variable: 'JOINERY_RESOURCES',
  rule: 'the path of a JSON file that configures resources',
  example: 'resources.json',
  schema: z.string().min(1).optional(),
}

/** A bound on connections, which is off unless it is given. */
function connectionsBound(option: string, variable: string, example: string): Setting<number | undefined> {
  return { option, variable, rule: 'a whole number from 1', example, schema: wholeNumber(1, 1_000_000).optional() }
}
const connectionsPerAddress = connectionsBound('connectionsPerAddress', 'JOINERY_CONNECTIONS_PER_ADDRESS', '100')
const connectionsPerPrincipal = connectionsBound('connectionsPerPrincipal', 'JOINERY_CONNECTIONS_PER_PRINCIPAL', '50')

/** A quota of one principal, which is off unless it is given. */
function quota(option: string, variable: string, example: string): Setting<number | undefined> {
  return { option, variable, rule: 'a whole number from 0', example, schema: wholeNumber(0, 1e15).optional() }
}
const QUOTAS = {
  workspacesPerPrincipalMax: quota('workspacesPerPrincipal', 'JOINERY_WORKSPACES_PER_PRINCIPAL', '100'),
  bytesPerDayMax: quota('bytesPerDay', 'JOINERY_BYTES_PER_DAY', '100000000'),
  keysPerPrincipalMax: quota('keysPerPrincipal', 'JOINERY_KEYS_PER_PRINCIPAL', '100000'),
}

function readQuotas(options: Options, environment: Environment): Partial<QuotaLimits> {
  const read = Object.entries(QUOTAS).map(
    ([name, setting]) => [name, readSetting(setting, options, environment)] as const,
  )
  return Object.fromEntries(read.filter(([, max]) => max !== undefined))
}

/**
 * Reads the settings: an option wins over its variable, a variable over the default. Throws {@link AppError} `usage` that
 * names the option or variable, its rule and an example; also for a host that others can reach when there are no keys,
 * unless `--insecure` is given.
 */
export function parseServeConfig(options: Options, environment: Environment, directory: string): ServeConfig {
  const machinesFile = readSetting(machines, options, environment)
  const workFile = readSetting(work, options, environment)
  const resourcesFile = readSetting(resources, options, environment)
  const cluster = readClusterConfig(options, environment, directory)
  const config: ServeConfig = {
    host: readSetting(host, options, environment),
    port: readSetting(port, options, environment),
    dataDirectory: resolve(directory, readSetting(dataSetting, options, environment)),
    ...readDurability(readSetting(durability, options, environment), cluster !== undefined),
    keepHistory: readSetting(keepHistory, options, environment),
    diskFreeBytesMin: readSetting(diskFree, options, environment),
    logLevel: readSetting(logLevel, options, environment),
    origins: readSetting(origins, options, environment),
    connectionsPerAddressMax: readSetting(connectionsPerAddress, options, environment),
    connectionsPerPrincipalMax: readSetting(connectionsPerPrincipal, options, environment),
    machinesFile: machinesFile === undefined ? undefined : resolve(directory, machinesFile),
    resourcesFile: resourcesFile === undefined ? undefined : resolve(directory, resourcesFile),
    workFile: workFile === undefined ? undefined : resolve(directory, workFile),
    page: readPageConfig(options, environment),
    limits: readLimits(options, environment, directory),
    quotas: readQuotas(options, environment),
    heads: readHeadsConfig(options, environment, directory),
    cluster,
    isInsecure: options.insecure === true,
    keys: keysOf(environment),
  }
  if (config.keys === undefined && !isLoopbackHost(config.host) && !config.isInsecure) {
    throw new AppError(
      'usage',
      `--host ${config.host} can be reached by others, and without keys everyone may write everything: ` +
        'set JOINERY_JWT_SECRET (at least 32 bytes) or JOINERY_JWKS (URL or file), or add --insecure to allow it',
    )
  }
  return config
}

/** A node of a cluster acknowledges what the cluster has, unless told otherwise. */
function readDurability(
  asked: ServeConfig['durability'] | typeof REPLICATED | undefined,
  isNode: boolean,
): Pick<ServeConfig, 'durability' | 'isReplicated'> {
  if (isNode && asked === 'memory') {
    throw new AppError('usage', 'a node of a cluster keeps its data: use --durability replicated, sync or async')
  }
  if (!isNode && asked === REPLICATED) {
    throw new AppError(
      'usage',
      '--durability replicated is for a node of a cluster: name the NATS servers with --cluster',
    )
  }
  if (asked === REPLICATED || (isNode && asked === undefined)) return { durability: 'sync', isReplicated: true }
  return { durability: asked ?? 'async', isReplicated: false }
}

function keysOf({ JOINERY_JWT_SECRET: secret, JOINERY_JWKS: jwks }: Environment): ServeConfig['keys'] {
  if (secret && jwks) {
    throw new AppError('usage', 'JOINERY_JWT_SECRET and JOINERY_JWKS exclude each other: unset one of them')
  }
  if (secret) return { secret }
  return jwks ? { jwks } : undefined
}
