import { z } from 'zod'
import type { AdapterKind } from '../adapters/adapter.ts'
import { type FilesConfig, filesSchema } from '../files/files-config.ts'
import { type HookEndpoints, hooksSchema } from '../hooks/hook-config.ts'
import { type Subscriptions, subscriptionsSchema } from '../outbox/subscription-config.ts'
import { ResourceError } from '../resource-error.ts'

/** Name and version of a machine, such as `payment@1`. */
const machineName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}@[1-9][0-9]{0,5}$/, 'must be a machine, such as "payment@1"')

const schema = z.strictObject({
  adapters: z.record(machineName, z.looseObject({ kind: z.string() })).default({}),
  hooks: hooksSchema,
  subscriptions: subscriptionsSchema,
  files: filesSchema.optional(),
})

/** The adapter of one machine, as the configuration has it. */
export interface ConfiguredAdapter {
  readonly machine: string
  readonly kind: AdapterKind
  readonly config: never
}

/** The configuration of resources, checked. */
export interface ResourcesConfig {
  readonly adapters: readonly ConfiguredAdapter[]
  /** Endpoints for the events of services, by name. */
  readonly hooks: HookEndpoints
  /** Endpoints that are told of changes, by name. */
  readonly subscriptions: Subscriptions
  /** The bucket for uploaded files; undefined for the disk. */
  readonly files: FilesConfig | undefined
}

/**
 * Reads a configuration file. Throws {@link ResourceError} `misconfigured` that names the path of the field and the rule; the value
 * is not repeated, since it may be a secret that somebody has put there by mistake.
 */
export function readResourcesConfig(text: string, kinds: readonly AdapterKind[]): ResourcesConfig {
  const { adapters, hooks, subscriptions, files } = parse(schema, jsonOf(text), [])
  for (const [name, { machine }] of Object.entries(hooks)) {
    if (!Object.hasOwn(adapters, machine)) throw misconfigured(['hooks', name, 'machine'], 'has no adapter here')
  }
  return {
    adapters: Object.entries(adapters).map(([machine, given]) => adapterOf(machine, given, kinds)),
    hooks,
    subscriptions,
    files,
  }
}

function adapterOf(
  machine: string,
  given: { readonly kind: string },
  kinds: readonly AdapterKind[],
): ConfiguredAdapter {
  const kind = kinds.find((each) => each.kind === given.kind)
  const path = ['adapters', machine]
  if (kind === undefined) {
    const known = kinds.map((each) => `"${each.kind}"`).join(', ')
    throw misconfigured([...path, 'kind'], `must be one of ${known}`)
  }
  return { machine, kind, config: parse(kind.config, given, path) }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The words of the parser repeat a part of the text, which may hold a secret.
    const at = /position (\d+)/.exec(String(error))?.[1]
    const before = at === undefined ? '' : text.slice(0, Number(at))
    const where = at === undefined ? '' : ` at line ${before.split('\n').length}`
    throw new ResourceError('misconfigured', `the configuration is no JSON${where}`)
  }
}

function parse<T>(of: z.ZodType<T>, given: unknown, path: readonly string[]): T {
  const parsed = of.safeParse(given)
  if (parsed.success) return parsed.data
  const told = parsed.error.issues.slice(0, 5).map((issue) => {
    // The rule of a key stands inside the issue.
    const { message } = issue.code === 'invalid_key' ? (issue.issues[0] ?? issue) : issue
    return said([...path, ...issue.path.map(String)], message)
  })
  throw new ResourceError('misconfigured', told.join('; '))
}

function said(path: readonly string[], message: string): string {
  return `${path.length === 0 ? 'the configuration' : path.join('.')}: ${message}`
}

function misconfigured(path: readonly string[], message: string): ResourceError {
  return new ResourceError('misconfigured', said(path, message))
}
