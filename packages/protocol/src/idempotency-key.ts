/** UTF-8 bytes of an idempotency key at most: the limit of the log. */
export const KEY_BYTES_MAX = 1_024

/** First characters of the keys under which the server itself writes. Nobody outside may use one. */
export const RESERVED_KEY = 'joinery:'

const encoder = new TextEncoder()

/** True for a text that may be an idempotency key: well-formed Unicode of 1 to {@link KEY_BYTES_MAX} bytes in UTF-8. */
export function isIdempotencyKey(text: string): boolean {
  return (
    text !== '' && text.length <= KEY_BYTES_MAX && isWellFormed(text) && encoder.encode(text).length <= KEY_BYTES_MAX
  )
}

/** Not `String.prototype.isWellFormed`: React Native's engine does not have it. */
function isWellFormed(text: string): boolean {
  try {
    encodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
