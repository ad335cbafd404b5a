import { readFile } from 'node:fs/promises'
import { claimListsWith, type Machine, machinesOf } from '@joinery/blocks'
import {
  ADAPTER_KINDS,
  type EmbeddingsConfig,
  type Environment,
  ResourceError,
  type ResourcesConfig,
  readResourcesConfig,
  Secrets,
  secretsOfFiles,
  secretsOfSubscriptions,
  variableOf,
} from '@joinery/resources'
import { AppError } from '../app-error.mts'
import { readLists } from '../machines-file.mts'

/** The configuration of resources, and the secrets that it names. */
export interface ResourcesFile {
  readonly path: string
  readonly config: ResourcesConfig
  readonly secrets: Secrets
}

/**
 * Reads a file of resources, whose secrets {@link checkSecrets} looks for. Throws {@link AppError} `usage` that names the file, the field and the
 * rule.
 */
export async function readResourcesFile(path: string, environment: Environment): Promise<ResourcesFile> {
  const secrets = new Secrets(environment)
  try {
    const config = readResourcesConfig(await readFile(path, 'utf8'), ADAPTER_KINDS)
    return { path, config, secrets }
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    const message = cause instanceof ResourceError ? cause.message : `it can't be read: ${cause.message}`
    throw new AppError('usage', `--resources ${path}: ${message}`, { cause })
  }
}

/** Throws {@link AppError} `usage` unless the secrets of the adapters can be read, and with `isServer` all others, too. */
export function checkSecrets({ path, config, secrets }: ResourcesFile, isServer: boolean): void {
  try {
    secrets.check(config.adapters.flatMap(({ kind, config: given }) => kind.secretsOf(given)))
    if (!isServer) return
    secrets.check(Object.values(config.hooks).flatMap((endpoint) => endpoint.secrets))
    secrets.check(secretsOfSubscriptions(config.subscriptions))
    if (config.files !== undefined) secrets.check(secretsOfFiles(config.files))
  } catch (cause) {
    if (!(cause instanceof ResourceError)) throw cause
    throw new AppError('usage', `--resources ${path}: ${cause.message}`, { cause })
  }
}

/** The variables of the environment that hold the secret of an embedding service, or say where it is. */
export function secretsOfEmbeddings({ secret }: EmbeddingsConfig, environment: Environment): Record<string, string> {
  if (secret === undefined) return {}
  const names = [variableOf(secret), `${variableOf(secret)}_FILE`, 'JOINERY_SECRETS']
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** The tables of the machines that have an adapter. Throws {@link AppError} `usage` for a machine without a table. */
export async function machinesOfAdapters(
  { path, config }: ResourcesFile,
  machinesFile: string | undefined,
): Promise<ReadonlyMap<string, Machine>> {
  const lists = machinesFile === undefined ? claimListsWith([]) : await readLists(machinesFile)
  const known = new Map(lists.flatMap((list) => [...(machinesOf(list) ?? [])]))
  const found = config.adapters.map(({ machine }) => [machine, known.get(machine)] as const)
  const missing = found.find(([, machine]) => machine === undefined)?.[0]
  if (missing !== undefined) {
    const message = `adapters.${missing}: there is no such machine: ${[...known.keys()].join(', ')} are known, and --machines has an application's own`
    throw new AppError('usage', `--resources ${path}: ${message}`)
  }
  return new Map(found as [string, Machine][])
}
