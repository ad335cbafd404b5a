import { z } from 'zod'
import { ApiError, type ApiErrorCode } from '../api-error.ts'
import { lsnQuery } from '../schemas.ts'
import { writeHeaders } from './write-headers.ts'

/** The condition that the block or edge of a write must meet. */
export interface Precondition {
  readonly expectedVersion?: number | undefined
  readonly onlyIfAbsent?: true | undefined
  /** The versions in If-Match, of which one must be the present one; `*` for any. */
  readonly match?: readonly VersionTag[] | '*' | undefined
}

/**
 * A version as If-Match names it. Versions repeat after an older copy of the data directory was put back: the time of its
 * record then tells one version from another with the same LSN.
 */
interface VersionTag {
  readonly version: number
  /** Time of the record, ms since epoch, as in `updatedBy`; undefined in a tag without it, and where the log no longer tells. */
  readonly at: number | undefined
}

/**
 * One entity tag. Proxies that compress answers turn `"7"` into `W/"7"` (nginx), `"7-gzip"` (Apache), `"7--gzip"` (Jetty) or the like.
 * All of them name version 7: a version is a state of the document, whatever bytes carry it, and no answer is a range of
 * bytes, which is what RFC 9110 (13.1.1) forbids weak tags for.
 */
const TAG = String.raw`(?:W/)?"(\d{1,15})(?:@(\d{1,15}))?(?:[-;:+]{1,2}(?:x-gzip|gzip|br|deflate|zstd|compress))?"`
/** Lists may have empty elements (RFC 9110, 5.6.1.2). No two parts of this take the same spaces, so that it takes linear time. */
const IF_MATCH = new RegExp(String.raw`^\s*(?:\*\s*|(?:,\s*)*${TAG}\s*(?:,\s*(?:${TAG}\s*)?)*)$`)
const ONE_TAG = new RegExp(`^${TAG}$`)

/** Headers of a write to one block or edge. */
export const blockWriteHeaders = writeHeaders.extend({
  'if-match': z
    .string()
    .regex(IF_MATCH, 'is not "<version>" as in the ETag, several of these joined by commas, or *')
    .optional()
    .meta({
      description:
        'the version that must be the present one, several to choose from, or * for any; "<version>@<updatedBy.at>" also holds after an older copy of the data was put back',
    }),
  'if-none-match': z
    .literal('*', { error: 'only * is understood' })
    .optional()
    .meta({ description: '*: the write is made only if the block or edge does not exist' }),
})
export const blockWriteQuery = z.strictObject({
  expected_version: lsnQuery.optional().meta({ description: 'the same as If-Match' }),
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
    throw new ApiError('invalid', 'If-Match and expected_version name different versions: send one of them')
  if (ifNoneMatch === undefined) return { expectedVersion, match }
  if (expectedVersion === undefined && match === undefined) return { onlyIfAbsent: true }
  throw new ApiError('invalid', 'If-None-Match asks for no version, and the request names one: leave one of them out')
}

function matchOf(header: string): readonly VersionTag[] | '*' {
  if (header.trim() === '*') return '*'
  return header.split(',').flatMap((tag) => tagOf(tag) ?? [])
}

function tagOf(text: string): VersionTag | undefined {
  const [tag, version, at] = ONE_TAG.exec(text.trim()) ?? []
  return tag === undefined ? undefined : { version: Number(version), at: at === undefined ? undefined : Number(at) }
}

/**
 * Throws `block_exists`, `edge_exists`, `workspace_exists` or `version_conflict` unless the write may be made. `standing` is the present version,
 * undefined when there is none. `show` makes the block or edge as the answer holds it.
 */
export function assertPrecondition(
  kind: 'block' | 'edge' | 'workspace',
  id: string,
  standing: VersionTag | undefined,
  { expectedVersion, onlyIfAbsent, match }: Precondition,
  show: () => unknown,
): void {
  if (onlyIfAbsent && standing !== undefined) {
    const code: ApiErrorCode = `${kind}_exists`
    const message = `${kind} "${id}" exists already, at version ${standing.version}`
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

/** Makes a strong ETag: the body of the answer changes with the version, and only with it. */
export function etagOf({ version }: Pick<VersionTag, 'version'>): string {
  return `"${version}"`
}

/** True when If-None-Match says that the caller has this version. Tags that can't be read name another version. */
export function isKnownToCaller(ifNoneMatch: string | undefined, current: Pick<VersionTag, 'version'>): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => isTagOf(tag, current))
}

function isTagOf(text: string, current: Pick<VersionTag, 'version'>): boolean {
  const tag = tagOf(text)
  // A tag with a time is no ETag that this server sent: its time can't be compared here.
  return tag !== undefined && tag.at === undefined && tag.version === current.version
}
