import type { FailureClass } from '@joinery/worker'

/** Everything that can go wrong with files, listed in SPEC.md with the status of HTTP. */
export type FileErrorCode =
  /** The file is larger than the bound, or has more parts than a store takes. */
  | 'too_large'
  /** The file does not fit into a quota of its workspace, or of its principal. */
  | 'quota_files'
  /** A name, a digest or an amount is out of its bounds. */
  | 'invalid'
  /** The store has no such upload: it was never begun, or it has ended. */
  | 'unknown_upload'
  /** There is no such file, or it is not there yet. */
  | 'unknown_file'
  /** Parts of the file are missing: upload them first. */
  | 'upload_incomplete'
  /** The bytes that arrived are not those of the digest. */
  | 'wrong_digest'
  /** The part has another length than its URL says. */
  | 'wrong_length'
  /** The URL has expired, or was changed. */
  | 'bad_ticket'
  /** The disk of the store has no space left. */
  | 'store_full'
  /** The store did not answer, or asks to be asked later. */
  | 'store_unavailable'
  /** The store refuses the request for good: its keys, its bucket or its rights are wrong. */
  | 'store_refused'

const CLASSES: Partial<Record<FileErrorCode, FailureClass>> = {
  store_full: 'transient',
  store_unavailable: 'transient',
}

export interface FileErrorOptions extends ErrorOptions {
  readonly class?: FailureClass | undefined
  /** When the store may be asked again, ms. */
  readonly retryAfterMs?: number | undefined
  /** Details that a program needs to go on, as JSON. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The error class of files. `message` says what happened, the bound and its unit, and what to do. */
export class FileError extends Error {
  override name = 'FileError'
  readonly code: FileErrorCode
  /** Read by `failureOf` of `@joinery/worker`. */
  readonly class: FailureClass
  readonly retryAfterMs: number | undefined
  readonly details: FileErrorOptions['details']

  constructor(code: FileErrorCode, message: string, options: FileErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.class = options.class ?? CLASSES[code] ?? 'permanent'
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
  }
}
