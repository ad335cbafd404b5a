/**
 * Why a trial has not shown that something fits:
 *
 * - `too_long`, `out_of_memory`: it does not fit.
 * - `died`: the thread ended for another reason.
 * - `unreadable`: Yjs can't read the bytes.
 * - `busy`: too many trials wait. Later it may be tried.
 */
export type TrialErrorCode = 'too_long' | 'out_of_memory' | 'died' | 'unreadable' | 'busy'

export class TrialError extends Error {
  override name = 'TrialError'
  readonly code: TrialErrorCode

  /** @param message goes on a sentence about what was tried */
  constructor(code: TrialErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
