/** Thrown for bytes that break the grammar of the wire (SPEC.md). A server closes the connection of their sender with 4400. */
export class FrameError extends Error {
  override name = 'FrameError'
  readonly code = 'bad_frame'
}
