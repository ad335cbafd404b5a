import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { API_LIMITS, type ApiLimits } from '@joinery/api/limits'
import { FILE_LIMITS, type FileLimits } from '@joinery/resources'
import { JWKS_LIMITS, type JwksLimits, SERVER_LIMITS, type ServerLimits } from '@joinery/server'
import { TASK_LIMITS_DEFAULT, type TaskLimits } from '@joinery/tasks'
import { AppError } from './app-error.mts'
import type { Environment, Options } from './setting.mts'

/** Other limits than the defaults, by the part that keeps them. */
export interface Limits {
  readonly server: Partial<ServerLimits>
  readonly http: Partial<ApiLimits>
  readonly jwks: Partial<JwksLimits>
  readonly tasks: Partial<TaskLimits>
  readonly files: Partial<FileLimits>
}

type Numbers = Record<string, number>

/** Names of the HTTP face's limits begin with this, since it has an `updateBytesMax` of its own. */
const HTTP = 'http.'
/** Names of the limits of tasks begin with this. */
const TASKS = 'tasks.'
/** Names of the limits of files begin with this. */
const FILES = 'files.'
/** A timer of Node that is set to more ms than this fires at once. */
const MS_MAX = 2 ** 31 - 1
/** `ws` counts a message's bytes in 32 bits with a sign; of more than half of that a frame's other bytes go beyond. */
const MESSAGE_BYTES_MAX = 2 ** 30
const MESSAGES = ['updateBytesMax', 'syncBytesMax', 'awarenessBytesMax', 'readerFrameBytesMax']
/** A thread needs some megabytes of heap before it has loaded anything. */
const TRIAL_HEAP_BYTES_MIN = 16 * 1024 * 1024
/** Whole numbers of more digits are not exact. */
const WHOLE_MAX = 1e15

const DEFAULTS: Readonly<Numbers> = {
  ...SERVER_LIMITS,
  ...JWKS_LIMITS,
  ...Object.fromEntries(Object.entries(API_LIMITS).map(([name, value]) => [HTTP + name, value])),
  ...Object.fromEntries(Object.entries(TASK_LIMITS_DEFAULT).map(([name, value]) => [TASKS + name, value])),
  ...Object.fromEntries(Object.entries(FILE_LIMITS).map(([name, value]) => [FILES + name, value])),
}

interface Rule {
  readonly text: string
  readonly allows: (value: number) => boolean
}

function ruleOf(name: string): Rule {
  if (name.endsWith('Share')) return { text: 'a number above 0, at most 1', allows: (value) => value > 0 && value <= 1 }
  const min = name === 'trialHeapBytes' ? TRIAL_HEAP_BYTES_MIN : 1
  const max = /Ms(Max)?$/.test(name) ? MS_MAX : MESSAGES.includes(name) ? MESSAGE_BYTES_MAX : WHOLE_MAX
  return {
    text: `a whole number from ${min} to ${max}`,
    allows: (value) => Number.isInteger(value) && value >= min && value <= max,
  }
}

/**
 * Limits that the option `--limits` or the variable `JOINERY_LIMITS` sets: `NAME=NUMBER` joined by commas, or `@FILE` for a JSON
 * object of names and numbers. Throws {@link AppError} `usage`, which names the limit and its rule.
 */
export function readLimits(options: Options, environment: Environment, directory: string): Limits {
  const isOption = options.limits !== undefined
  const text = String(isOption ? options.limits : (environment.JOINERY_LIMITS ?? ''))
  const source = isOption ? '--limits' : 'JOINERY_LIMITS'
  const refuse = (fault: string): never => {
    throw new AppError('usage', `${source}: ${fault}`)
  }
  if (text === '') return { server: {}, http: {}, jwks: {}, tasks: {}, files: {} }
  const entries = text.startsWith('@') ? entriesOfFile(resolve(directory, text.slice(1)), refuse) : entriesOf(text)
  return checked(entries, refuse)
}

type Refuse = (fault: string) => never

/** Name and value; a value that is no number stays as it was written. */
type Entry = readonly [name: string, value: unknown]

function entriesOf(text: string): Entry[] {
  return text.split(',').map((part) => {
    const [name = '', ...rest] = part.split('=')
    const digits = rest.join('=').trim()
    return [name.trim(), /^\d{1,16}(\.\d{1,6})?$/.test(digits) ? Number(digits) : digits]
  })
}

function entriesOfFile(path: string, refuse: Refuse): Entry[] {
  let contents: unknown
  try {
    contents = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const why = error instanceof SyntaxError ? `it is not JSON: ${error.message}` : (error as Error).message
    return refuse(`the file ${path} can't be read: ${why}`)
  }
  if (typeof contents !== 'object' || contents === null || Array.isArray(contents)) {
    return refuse(`the file ${path} must be a JSON object of limits, as {"messagesPerSecond": 2000}`)
  }
  return Object.entries(contents)
}

function checked(entries: readonly Entry[], refuse: Refuse): Limits {
  const set = new Map<string, number>()
  for (const [name, value] of entries) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      refuse(`there is no limit ${JSON.stringify(name)}; these are: ${Object.keys(DEFAULTS).join(', ')}`)
    }
    if (set.has(name)) refuse(`${name} stands twice`)
    const { text, allows } = ruleOf(name)
    if (typeof value !== 'number' || !allows(value)) {
      return refuse(`${name} must be ${text}, not ${JSON.stringify(value)}; for example: ${name}=${exampleOf(name)}`)
    }
    set.set(name, value)
  }
  const headersMs = set.get('headersMs') ?? SERVER_LIMITS.headersMs
  const requestMs = set.get('requestMs') ?? SERVER_LIMITS.requestMs
  if (headersMs > requestMs) {
    refuse(`headersMs (${headersMs}) must be at most requestMs (${requestMs}): headers are the beginning of a request`)
  }
  return limitsOf(set)
}

function limitsOf(set: ReadonlyMap<string, number>): Limits {
  const pick = (names: object, prefix = ''): Numbers => {
    const own = Object.keys(names).flatMap((name) => {
      const value = set.get(prefix + name)
      return value === undefined ? [] : [[name, value] as const]
    })
    return Object.fromEntries(own)
  }
  return {
    server: pick(SERVER_LIMITS),
    http: pick(API_LIMITS, HTTP),
    jwks: pick(JWKS_LIMITS),
    tasks: pick(TASK_LIMITS_DEFAULT, TASKS),
    files: pick(FILE_LIMITS, FILES),
  }
}

function exampleOf(name: string): number {
  const value = DEFAULTS[name] ?? 1
  return Number.isFinite(value) ? value : 100
}
