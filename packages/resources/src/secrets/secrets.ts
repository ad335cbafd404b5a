import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ResourceError } from '../resource-error.ts'
import { withoutSecrets } from './without-secrets.ts'

/** Bits of a file's mode that let others than its owner do anything. */
const OTHERS = 0o077
const FILE_BYTES_MAX = 64 * 1024
/** Values shorter than this are not looked for in texts: they would be found in innocent words. */
const REDACTED_LENGTH_MIN = 8

export type Environment = Readonly<Record<string, string | undefined>>

/** The values of secrets, by the names that a configuration has. */
export class Secrets {
  readonly #environment: Environment
  /** The values that were given out, so that they can be taken out of texts. */
  readonly #given = new Set<string>()

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** The value of a secret as it is now. Throws {@link ResourceError} `misconfigured` that names the secret and its places. */
  read(name: string): string {
    const value = this.#find(name)
    if (value === '') throw new ResourceError('misconfigured', `the secret "${name}" is empty`)
    this.#given.add(value)
    return value
  }

  /** Throws as {@link read} does for the first of the names whose value can't be read. */
  check(names: Iterable<string>): void {
    for (const name of names) this.read(name)
  }

  /** The text without the values that were given out, and without what looks like a secret. */
  redact(text: string): string {
    let clean = text
    for (const value of this.#given) {
      if (value.length >= REDACTED_LENGTH_MIN) clean = clean.replaceAll(value, '[secret]')
    }
    return withoutSecrets(clean)
  }

  #find(name: string): string {
    const variable = variableOf(name)
    const value = this.#environment[variable]
    if (value !== undefined) return value
    const file = this.#environment[`${variable}_FILE`]
    if (file !== undefined) return readPrivate(name, file)
    const directory = this.#environment.JOINERY_SECRETS
    if (directory !== undefined) return readPrivate(name, join(directory, name))
    const places = `set ${variable} or ${variable}_FILE, or put a file "${name}" into the directory of JOINERY_SECRETS`
    throw new ResourceError('misconfigured', `there is no secret "${name}": ${places}`)
  }
}

/** The environment variable that holds the value of a secret. */
export function variableOf(name: string): string {
  return `JOINERY_SECRET_${name.toUpperCase()}`
}

function readPrivate(name: string, file: string): string {
  const what = `the file ${file} of the secret "${name}"`
  try {
    const { mode, size } = statSync(file)
    if ((mode & OTHERS) !== 0) {
      throw new ResourceError('misconfigured', `${what} can be read by others: chmod 600 it`)
    }
    if (size > FILE_BYTES_MAX) throw new ResourceError('misconfigured', `${what} has more than ${FILE_BYTES_MAX} bytes`)
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if (cause instanceof ResourceError) throw cause
    throw new ResourceError('misconfigured', `${what} can't be read: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    })
  }
}
