import { z } from 'zod'
import { ApiError, type ApiErrorCode } from '../api-error.ts'
import { lsnQuery } from '../schemas.ts'
import { writeHeaders } from './write-headers.ts'

/** What a write asks of the block or edge it is about. */
export interface Precondition {
  readonly expectedVersion?: number | undefined
  readonly onlyIfAbsent?: true | undefined
  /** What If-Match says: one of these, or anything that is there. */
  readonly match?: readonly VersionTag[] | '*' | undefined
}

/**
 * A version as If-Match names it. Versions begin to repeat where an older copy of the data directory was put back: with the
 * time of its record one is told from its namesake.
 */
interface VersionTag {
  readonly version: number
  /** Milliseconds since the epoch, as in `updatedBy`; undefined in a tag without, and where the log no longer says. */
  readonly at: number | undefined
}

const TAG = String.raw`"(\d{1,15})(?:@(\d{1,15}))?"`
const IF_MATCH = new RegExp(String.raw`^\s*(?:\*|${TAG}(?:\s*,\s*${TAG})*)\s*$`)
const ONE_TAG = new RegExp(TAG)

/** Headers of a write to one block or edge. */
export const blockWriteHeaders = writeHeaders.extend({
  'if-match': z
    .string()
    .regex(IF_MATCH, '"<version>" as the ETag has it, several joined by commas, or *; a weak one (W/) matches nothing')
    .optional()
    .meta({
      description:
        'the version it has to have, one of several, or * for any; "<version>@<updatedBy.at>" names the record for good',
    }),
  'if-none-match': z
    .literal('*', { error: 'only * is understood' })
    .optional()
    .meta({ description: 'only if it is not there' }),
})
export const blockWriteQuery = z.strictObject({
  expected_version: lsnQuery.optional().meta({ description: 'as If-Match' }),
})

/** The preconditions of a request. Throws `invalid` when they contradict each other. */
export function preconditionOf(
  { 'if-match': ifMatch, 'if-none-match': ifNoneMatch }: z.output<typeof blockWriteHeaders>,
  { expected_version: expectedVersion }: z.output<typeof blockWriteQuery>,
): Precondition {
  const match = ifMatch === undefined ? undefined : matchOf(ifMatch)
  if (
    Array.isArray(match) &&
    expectedVersion !== undefined &&
    !match.some(({ version }) => version === expectedVersion)
  )
    throw new ApiError('invalid', 'If-Match and expected_version name different versions')
  if (ifNoneMatch === undefined) return { expectedVersion, match }
  if (expectedVersion === undefined && match === undefined) return { onlyIfAbsent: true }
  throw new ApiError('invalid', 'nothing is absent and at a version: leave If-None-Match or the version out')
}

function matchOf(header: string): readonly VersionTag[] | '*' {
  if (header.trim() === '*') return '*'
  return header.split(',').map((tag) => {
    const [, version, at] = ONE_TAG.exec(tag) ?? []
    return { version: Number(version), at: at === undefined ? undefined : Number(at) }
  })
}

/**
 * Throws `block_exists`, `edge_exists` or `version_conflict` unless the write may be made. `standing` is undefined when
 * there is nothing; `show` gives what is there as the answer shows it.
 */
export function assertPrecondition(
  kind: 'block' | 'edge',
  id: string,
  standing: VersionTag | undefined,
  { expectedVersion, onlyIfAbsent, match }: Precondition,
  show: () => unknown,
): void {
  if (onlyIfAbsent && standing !== undefined) {
    const code: ApiErrorCode = kind === 'block' ? 'block_exists' : 'edge_exists'
    const message = `${kind} "${id}" is there already, at version ${standing.version}`
    throw new ApiError(code, message, { current: show() })
  }
  const isExpected = expectedVersion === undefined || standing?.version === expectedVersion
  if (isExpected && (match === undefined || matches(match, standing))) return
  const found = standing === undefined ? 'gone' : `at version ${nameOf(standing)}`
  const message = `${kind} "${id}" is ${found}, not at ${isExpected ? wantedBy(match) : expectedVersion}`
  throw new ApiError('version_conflict', message, { current: standing === undefined ? null : show() })
}

function matches(match: NonNullable<Precondition['match']>, standing: VersionTag | undefined): boolean {
  if (standing === undefined) return false
  if (match === '*') return true
  return match.some(({ version, at }) => version === standing.version && (at === undefined || at === standing.at))
}

function wantedBy(match: Precondition['match']): string {
  return match === undefined || match === '*' ? 'any' : match.map(nameOf).join(' or ')
}

function nameOf({ version, at }: VersionTag): string {
  return at === undefined ? String(version) : `${version}@${at}`
}

/** A strong ETag: the representation changes with the version and only with it. */
export function etagOf({ version }: Pick<VersionTag, 'version'>): string {
  return `"${version}"`
}

/** Whether the caller's If-None-Match says that it has this version already. Weak tags count: what stands between makes them. */
export function isKnownToCaller(ifNoneMatch: string | undefined, current: Pick<VersionTag, 'version'>): boolean {
  if (ifNoneMatch === undefined) return false
  return (
    ifNoneMatch.trim() === '*' ||
    ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etagOf(current))
  )
}
