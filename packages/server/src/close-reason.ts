/** Bytes of a close frame's reason, at most (RFC 6455, 5.5: 125 minus the two of the code). */
const REASON_BYTES_MAX = 123

/** Cuts `text` to the length that a close frame can carry. */
export function closeReason(text: string): string {
  if (Buffer.byteLength(text) <= REASON_BYTES_MAX) return text
  // A cut inside a character decodes to U+FFFD, which is removed.
  return Buffer.from(text)
    .subarray(0, REASON_BYTES_MAX)
    .toString()
    .replace(/\uFFFD+$/, '')
}
