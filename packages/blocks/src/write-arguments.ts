import { isFolderStep } from './block-id.ts'
import { BlocksError } from './blocks-error.ts'
import { CLAIM_LIMITS, isAt, isName } from './claim-bounds.ts'
import { SOURCE_PRIORITY, type Source } from './sources.ts'
import { isWellFormed } from './well-formed.ts'

/** The writer of a claim: its class, its name, and the time of what it reports. */
export interface ClaimAuthor<S extends string = Source> {
  readonly source: S
  /** User id or service name, 1 to 256 code units. */
  readonly actor: string
  /** Milliseconds since the epoch; now when left out. */
  readonly at?: number
}

/** Throws `bad_argument` with the name of the first of source, actor and at that is wrong, or `options` when there are none. */
export function assertAuthor(
  author: ClaimAuthor<string>,
  sources: Readonly<Record<string, number>> = SOURCE_PRIORITY,
): void {
  assertOptions(author)
  if (!Object.hasOwn(sources, author.source)) {
    throw badArgument('source', `one of ${Object.keys(sources).join(', ')}`, author.source)
  }
  assertName(author.actor, 'actor')
  if (author.at !== undefined && !isAt(author.at)) throw badArgument('at', 'milliseconds since the epoch', author.at)
}

/** Throws `bad_argument` unless the value is an object. A caller without types may have left it out. */
export function assertOptions(value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) throw badArgument('options', 'an object', value)
}

/** Throws `bad_argument` unless the value is a well-formed text of 1 to 256 code units. */
export function assertName(value: unknown, field: string): asserts value is string {
  if (!isName(value) || !isWellFormed(value))
    throw badArgument(field, `1 to ${CLAIM_LIMITS.nameLengthMax} characters`, value)
}

/** Throws `bad_argument` for a name that stands in URLs and that no URL can name. */
export function assertReachable(name: unknown, field: string): void {
  if (typeof name === 'string' && isFolderStep(name))
    throw badArgument(field, 'a name other than "." and "..", which no URL can name', name)
}

export function badArgument(field: string, expected: string, got: unknown): BlocksError {
  const shown =
    typeof got === 'string'
      ? JSON.stringify(got.slice(0, 80))
      : Array.isArray(got)
        ? 'an array'
        : String(typeof got === 'object' ? 'an object' : got)
  return new BlocksError('bad_argument', `${field} must be ${expected}, got ${shown}`, field)
}

/** The number after the highest that is known. Throws `bad_argument` when the numbers are used up, which no history comes near. */
export function nextCount(highest: number, field: string): number {
  if (highest < CLAIM_LIMITS.countMax) return highest + 1
  throw badArgument(field, `a number up to ${CLAIM_LIMITS.countMax}`, highest + 1)
}
