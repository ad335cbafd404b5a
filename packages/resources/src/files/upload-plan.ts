import { createHash } from 'node:crypto'
import { FileError } from './file-error.ts'

/** Bounds on files. SPEC.md gives each its reason. */
export interface FileLimits {
  /** Bytes of one file. */
  readonly uploadBytesMax: number
  /** Bytes of a part, unless the file needs larger ones. */
  readonly partBytes: number
  readonly partsMax: number
  /** Time for which a URL of a part, or of a download, can be used, ms. */
  readonly ticketMs: number
  /** An upload that is not complete after this time is aborted, ms. */
  readonly abandonMs: number
  /** How much of an upload has arrived is shown at most this often, ms. */
  readonly progressMs: number
  /** URLs of parts that one request may ask for. */
  readonly urlsMax: number
  /** Bytes of all files of one workspace. Off by default. */
  readonly bytesPerWorkspaceMax: number
  /** Bytes of all files that one principal has brought. Off by default. */
  readonly bytesPerPrincipalMax: number
}

export const FILE_LIMITS: FileLimits = {
  uploadBytesMax: 5 * 1024 ** 3,
  partBytes: 8 * 1024 ** 2,
  partsMax: 10_000,
  ticketMs: 15 * 60_000,
  abandonMs: 24 * 3_600_000,
  progressMs: 5_000,
  urlsMax: 100,
  bytesPerWorkspaceMax: Number.POSITIVE_INFINITY,
  bytesPerPrincipalMax: Number.POSITIVE_INFINITY,
}

/** The parts of a file: all have `partBytes`, but for the last one. */
export interface UploadPlan {
  readonly bytes: number
  readonly partBytes: number
  /** Number of parts, at least 1: an empty file has one empty part. */
  readonly parts: number
}

/** Plans the parts of a file. Throws `too_large` and `invalid`. */
export function planUpload(bytes: number, limits: FileLimits): UploadPlan {
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    throw new FileError('invalid', `a file has a whole number of bytes from 0, not ${bytes}`)
  const { uploadBytesMax, partsMax } = limits
  if (bytes > uploadBytesMax)
    throw new FileError(
      'too_large',
      `the file has ${bytes} bytes, and at most ${uploadBytesMax} may be uploaded: split it`,
    )
  return planOf({ bytes, partBytes: Math.max(limits.partBytes, Math.ceil(bytes / partsMax)) })
}

/** The plan of an upload that has begun: its parts stay the same when the bounds of the server change. */
export function planOf({ bytes, partBytes }: Omit<UploadPlan, 'parts'>): UploadPlan {
  return { bytes, partBytes, parts: Math.max(1, Math.ceil(bytes / partBytes)) }
}

/** Bytes of the part with this number. */
export function bytesOfPart({ bytes, partBytes, parts }: UploadPlan, n: number): number {
  return n < parts ? partBytes : bytes - (parts - 1) * partBytes
}

/** The numbers of the parts that are missing. A part of another length is missing, too. */
export function missingParts(
  plan: UploadPlan,
  arrived: readonly { readonly n: number; readonly bytes: number }[],
): number[] {
  const bytesOf = new Map(arrived.map(({ n, bytes }) => [n, bytes]))
  const numbers = Array.from({ length: plan.parts }, (_, index) => index + 1)
  return numbers.filter((n) => bytesOf.get(n) !== bytesOfPart(plan, n))
}

/** Bytes of the parts that have arrived. A part of another length counts for nothing. */
export function bytesArrived(
  plan: UploadPlan,
  arrived: readonly { readonly n: number; readonly bytes: number }[],
): number {
  return arrived.reduce((sum, { n, bytes }) => (bytes === bytesOfPart(plan, n) ? sum + bytes : sum), 0)
}

/** The scope of a workspace's files in a store: its name may hold anything, and a digest holds hexadecimal digits alone. */
export function scopeOf(workspace: string): string {
  return createHash('sha256').update(workspace).digest('hex').slice(0, 32)
}

/** True for the digest of a file as clients and stores write it. */
export function isSha256(text: string): boolean {
  return /^[\da-f]{64}$/.test(text)
}
