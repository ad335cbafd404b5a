export type HooksErrorCode =
  /** A hook was called outside a `WorkspaceProvider`. */
  'no_provider'

/** The one error class of this package. */
export class HooksError extends Error {
  override name = 'HooksError'
  readonly code: HooksErrorCode

  constructor(code: HooksErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
