import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { type Environment, type Options, readSetting, type Setting, wholeNumber } from '../setting.mts'

/** How the engine of a cluster is reached. */
export interface EngineConfig {
  /** Addresses of NATS servers, as `nats://host:port`. */
  readonly servers: readonly string[]
  readonly user: string | undefined
  readonly pass: string | undefined
  /** Copies that NATS keeps of everything. */
  readonly copies: number
  /** Addresses of monitoring ports, as `http://host:port`: they tell whether NATS syncs its disks. */
  readonly monitors: readonly string[]
}

/** How a server finds the others of its cluster. */
export interface ClusterConfig extends EngineConfig {
  /** Name of this node: it stays over restarts. */
  readonly node: string
  /** Where the other nodes reach this one, as `host:port`. */
  readonly advertise: string
}

const DEPLOYMENTS = ['single', 'cluster', 'p2p'] as const
const NODE = /^[A-Za-z0-9_-]{1,64}$/
const ADDRESS = /^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9.-]+):([1-9]\d{0,4})$/
const SERVER = /^nats:\/\/([^@/\s]+@)?[^@/\s:]+(:\d{1,5})?$/
const MONITORS = /^https?:\/\/[^\s,]+(,https?:\/\/[^\s,]+)*$/
/** Copies of a cluster that survives the loss of a machine. */
const COPIES = 3

const deployment: Setting<(typeof DEPLOYMENTS)[number] | undefined> = {
  option: 'deployment',
  variable: 'JOINERY_DEPLOYMENT',
  rule: `one of ${DEPLOYMENTS.join(', ')}`,
  example: 'cluster',
  schema: z.enum(DEPLOYMENTS).optional(),
}

const servers: Setting<string | undefined> = {
  option: 'cluster',
  variable: 'JOINERY_CLUSTER',
  rule: 'addresses of NATS servers joined by commas, or @FILE of JSON',
  example: 'nats://a:4222,nats://b:4222,nats://c:4222',
  schema: z.string().min(1).optional(),
}

const node: Setting<string | undefined> = {
  option: 'node',
  variable: 'JOINERY_NODE',
  rule: '1 to 64 letters, digits, - and _',
  example: 'n1',
  schema: z.string().regex(NODE).optional(),
}

const advertise: Setting<string | undefined> = {
  option: 'advertise',
  variable: 'JOINERY_ADVERTISE',
  rule: 'the host and the port at which the other nodes reach this one',
  example: '10.0.0.1:1234',
  schema: z.string().regex(ADDRESS).optional(),
}

const copies: Setting<number | undefined> = {
  option: 'copies',
  variable: 'JOINERY_CLUSTER_COPIES',
  rule: 'a whole number from 1 to 5',
  example: '3',
  schema: wholeNumber(1, 5).optional(),
}

const monitors: Setting<string | undefined> = {
  option: 'monitors',
  variable: 'JOINERY_CLUSTER_MONITORS',
  rule: 'addresses of the monitoring ports of NATS servers joined by commas',
  example: 'http://a:8222,http://b:8222,http://c:8222',
  schema: z.string().regex(MONITORS).optional(),
}

const file = z.strictObject({
  deployment: z.enum(DEPLOYMENTS).optional(),
  servers: z.array(z.string()).min(1).optional(),
  node: z.string().regex(NODE).optional(),
  advertise: z.string().regex(ADDRESS).optional(),
  copies: z.int().min(1).max(5).optional(),
  monitors: z.array(z.string().regex(MONITORS)).optional(),
  user: z.string().optional(),
  pass: z.string().optional(),
})

type ClusterFile = z.infer<typeof file>

/** Settings that concern a cluster alone. */
const OTHERS = [node, advertise, copies, monitors]

/**
 * Reads whether the server is one of a cluster; undefined for a single one. Throws {@link AppError} `usage`, and `unsupported` for a
 * deployment that this version does not have.
 */
export function readClusterConfig(
  options: Options,
  environment: Environment,
  directory: string,
): ClusterConfig | undefined {
  const given = readSetting(servers, options, environment)
  const inFile = given?.startsWith('@') ? readFile(resolve(directory, given.slice(1))) : {}
  const mode = readSetting(deployment, options, environment) ?? inFile.deployment
  if (mode === 'p2p') {
    const message = 'this version has no p2p deployment: use single, or cluster with NATS servers of your own'
    throw new AppError('unsupported', message)
  }
  if (given === undefined || mode === 'single') return withoutCluster(options, environment, mode, given)
  const name = readSetting(node, options, environment) ?? inFile.node
  const address = readSetting(advertise, options, environment) ?? inFile.advertise
  if (name === undefined) throw missing('node', 'a name of its own that stays over restarts', 'n1')
  if (address === undefined) throw missing('advertise', 'an address at which the others reach it', '10.0.0.1:1234')
  return { ...engineOf(given, inFile, options, environment), node: name, advertise: address }
}

/** Reads how the engine of a cluster is reached, for commands. Throws {@link AppError} `usage`. */
export function readEngineConfig(options: Options, environment: Environment, directory: string): EngineConfig {
  const given = readSetting(servers, options, environment)
  if (given === undefined) throw missing('cluster', 'the addresses of its NATS servers', servers.example)
  const inFile = given.startsWith('@') ? readFile(resolve(directory, given.slice(1))) : {}
  return engineOf(given, inFile, options, environment)
}

function engineOf(given: string, inFile: ClusterFile, options: Options, environment: Environment): EngineConfig {
  const asked = readSetting(copies, options, environment)
  const list = inFile.servers ?? (given.startsWith('@') ? [] : given.split(',').map((each) => each.trim()))
  const login = checkServers(list)
  return {
    servers: login.servers,
    copies: asked ?? inFile.copies ?? (list.length === 1 ? 1 : COPIES),
    monitors: readSetting(monitors, options, environment)?.split(',') ?? inFile.monitors ?? [],
    user: inFile.user ?? login.user,
    pass: inFile.pass ?? login.pass,
  }
}

function withoutCluster(
  options: Options,
  environment: Environment,
  mode: string | undefined,
  given: string | undefined,
): undefined {
  if (mode === 'cluster') {
    throw new AppError('usage', `--deployment cluster needs --cluster, for example: --cluster ${servers.example}`)
  }
  if (given !== undefined) return undefined
  for (const setting of OTHERS) {
    if (readSetting<unknown>(setting, options, environment) === undefined) continue
    throw new AppError('usage', `--${setting.option} is for a node of a cluster: name the NATS servers with --cluster`)
  }
  return undefined
}

function missing(option: string, what: string, example: string): AppError {
  return new AppError('usage', `a cluster needs --${option}, ${what}; for example: --${option} ${example}`)
}

/** Takes the name and the password out of the addresses: they are the same for all servers. */
function checkServers(list: readonly string[]): Omit<EngineConfig, 'copies' | 'monitors'> {
  const wrong = list.find((each) => !SERVER.test(each))
  if (list.length === 0 || wrong !== undefined) {
    // An address may hold a password, which does not belong on a screen.
    const shown = wrong?.replace(/\/\/[^@]*@/, '//…@') ?? 'none'
    throw new AppError('usage', `--cluster must be ${servers.rule}, not ${shown}; for example: ${servers.example}`)
  }
  const [user, pass] = (/^nats:\/\/([^@]+)@/.exec(list[0] ?? '')?.[1] ?? '').split(':').map(decodeURIComponent)
  return {
    servers: list.map((each) => each.replace(/\/\/[^@]*@/, '//')),
    user: user === '' ? undefined : user,
    pass,
  }
}

function readFile(path: string): ClusterFile {
  try {
    return file.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : String(cause)
    const example = '{"servers":["nats://a:4222"],"node":"n1","advertise":"10.0.0.1:1234"}'
    throw new AppError('usage', `--cluster @${path} can't be read: ${reason}; it is JSON such as ${example}`, { cause })
  }
}
