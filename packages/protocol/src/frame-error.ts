/** Bytes that break the wire's grammar (SPEC.md). Whoever sent them gets close code 4400. */
export class FrameError extends Error {
  override name = 'FrameError'
  readonly code = 'bad_frame'
}
