import type { Writable } from 'node:stream'
import { type Logger, pino } from 'pino'

/** Parts of a line that would let its reader act for somebody, and what stands for them. */
const SECRETS: readonly (readonly [pattern: RegExp, cleaned: string])[] = [
  // Presigned URLs of S3, and tokens in the query of a stream.
  [/([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|token)=)[^&\s"'\\]+/gi, '$1[secret]'],
  // URLs of the files on the server's own disk.
  [/(\/v1\/blobs\/)[^\s"'?\\]+/g, '$1[secret]'],
  [/\b(Bearer\s+)[\w.~+/=-]{16,}/gi, '$1[secret]'],
  // Name and password of a URL.
  [/(:\/\/)[^/\s@"'\\]+@/g, '$1[secret]@'],
  // Keys of Stripe, and keys of Standard Webhooks.
  [/\b(?:[sr]k_(?:live|test)_|whsec_)[\w+/=-]+/g, '[secret]'],
]

/** The text without what {@link SECRETS} finds. Nothing else of it changes, and JSON stays JSON. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((line, [pattern, cleaned]) => line.replace(pattern, cleaned), text)
}

/**
 * The log of a server: JSON lines to `lines`, without secrets, wherever in a line they stand.
 *
 * @param redact takes the values of the configuration's secrets out of a line
 */
export function openLogger(level: string, lines: Writable, redact: (line: string) => string): Logger {
  return pino({ level, base: undefined, hooks: { streamWrite: (line) => withoutSecrets(redact(line)) } }, lines)
}
