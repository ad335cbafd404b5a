/** The bounds of a lease, each with its unit in its name. */
export const LEASE_BOUNDS = {
  /** Characters of a name and of a holder: `run:<block>/<index>` of the longest kind fits. */
  textLengthMax: 400,
  /** Shorter than this, a lease ends while the answer that grants it is on its way. */
  ttlMsMin: 100,
  /** One day: a holder that works longer renews. */
  ttlMsMax: 86_400_000,
  /** Proxies end silent requests, usually after 30 or 60 s. */
  waitMsMax: 25_000,
} as const

/** One lease as it stands. */
export interface Lease {
  readonly name: string
  /** Text of the holder's own that tells people who holds it. */
  readonly holder: string
  /** Actor who acquired it, as the server identified it. */
  readonly actor: string
  /** The fencing number: greater than that of every earlier lease of the workspace, and below 2^53. */
  readonly fence: number
  /** Random text that only the holder is told, within the token. */
  readonly nonce: string
  /** Time for which the lease stands after it was acquired or renewed, ms of the server's monotonic clock. */
  readonly ttlMs: number
  /** Server time of the acquisition, ms since epoch. */
  readonly acquiredAt: number
  /** Idempotency key of the request that acquired it. */
  readonly key?: string | undefined
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** The rule for the names of leases, in words for error messages. */
export const LEASE_NAME_RULE = `a lease's name is 1 to ${LEASE_BOUNDS.textLengthMax} characters of well-formed text without control characters, and not "." or ".."`

export function isLeaseName(name: unknown): name is string {
  return isLeaseText(name) && name !== '.' && name !== '..'
}

/** True for a text that may stand as a holder. */
export function isLeaseText(text: unknown): text is string {
  if (typeof text !== 'string' || text.length === 0 || text.length > LEASE_BOUNDS.textLengthMax) return false
  return text.isWellFormed() && !CONTROL.test(text)
}
