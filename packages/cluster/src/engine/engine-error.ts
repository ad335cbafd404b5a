/**
 * - `unavailable`: no answer came in time, or the connection is closed; a write may or may not have happened.
 * - `no_responders`: nobody answers this topic.
 * - `unsupported`: the system behind the engine lacks something that the cluster needs; the message says what to install.
 * - `misconfigured`: the system behind the engine is set up in another way than asked.
 * - `full`: the engine has no room left.
 * - `invalid`: the call can't be meant.
 */
export type EngineErrorCode = 'unavailable' | 'no_responders' | 'unsupported' | 'misconfigured' | 'full' | 'invalid'

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
