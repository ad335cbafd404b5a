/** Parts of a text that would let its reader act for somebody, and what stands for them. */
const SECRETS: readonly (readonly [pattern: RegExp, cleaned: string])[] = [
  // Signed URLs of S3 and of Google, tokens in the query of a stream, and keys in that of a service.
  [
    /([?&](?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|Signature|sig|(?:access_?)?token|api_?key|client_?secret|password)=)[^&\s"'\\]+/gi,
    '$1[secret]',
  ],
  // URLs of the files on the server's own disk.
  [/(\/v1\/blobs\/)[^\s"'?\\]+/g, '$1[secret]'],
  [/\b((?:Bearer|Basic)\s+)[\w.~+/=-]{16,}/gi, '$1[secret]'],
  // Name and password of a URL.
  [/(:\/\/)[^/\s@"'\\]+@/g, '$1[secret]@'],
  // Keys of Stripe, and keys of Standard Webhooks.
  [/\b(?:[sr]k_(?:live|test)_|whsec_)[\w+/=-]+/g, '[secret]'],
]

/** The text without what looks like a secret: `[secret]` stands for it. Nothing else of it changes, and JSON stays JSON. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((clean, [pattern, cleaned]) => clean.replace(pattern, cleaned), text)
}

/** The value with each text in it changed by `redact`; the same value where none is. Names of properties stay. */
export function redactIn<T>(value: T, redact: (text: string) => string): T {
  if (typeof value === 'string') return redact(value) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const clean = entries.map(([name, each]) => [name, redactIn(each, redact)] as const)
  if (clean.every(([, each], index) => each === entries[index]?.[1])) return value
  return (Array.isArray(value) ? clean.map(([, each]) => each) : Object.fromEntries(clean)) as T
}
