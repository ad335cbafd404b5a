import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Bounds of what a signature may be, each with its unit. */
export const SIGNATURE_LIMITS = {
  /** Difference between the sender's clock and the server's. */
  windowMs: 300_000,
  /** Signatures in one header: a sender that rotates a secret sends two. */
  signaturesMax: 16,
  headerCharsMax: 4_096,
} as const

/** How a service signs its events. */
export type HookScheme = 'stripe' | 'standard' | 'github'

/** A request as it came: the bytes of its body are what is signed. */
export interface SignedRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/**
 * The verdict on a signature. `malformed`: there is none, or its time is not near; `forged`: it is not by any of the secrets. `id` is
 * the event's, where the headers have it.
 */
export type Verdict = { readonly verdict: 'good'; readonly id?: string } | { readonly verdict: 'malformed' | 'forged' }

const MALFORMED: Verdict = { verdict: 'malformed' }

/** Checks the signature of a request against all secrets that are current. Takes the same time whichever byte is wrong. */
export function verify(scheme: HookScheme, request: SignedRequest, secrets: readonly string[], nowMs: number): Verdict {
  if (scheme === 'stripe') return verifyStripe(request, secrets, nowMs)
  return scheme === 'standard' ? verifyStandard(request, secrets, nowMs) : verifyGithub(request, secrets)
}

/** `Stripe-Signature: t=<seconds>,v1=<hex of HMAC-SHA256 over "t.body">`. */
function verifyStripe({ headers, body }: SignedRequest, secrets: readonly string[], nowMs: number): Verdict {
  const header = single(headers['stripe-signature'])
  if (header === undefined) return MALFORMED
  const parts = header.split(',').map((part) => part.trim().split('='))
  const times = parts.flatMap(([name, value]) => (name === 't' && value !== undefined ? [value] : []))
  const given = parts.flatMap(([name, value]) => (name === 'v1' && value !== undefined ? [value] : []))
  const [time] = times
  if (times.length !== 1 || time === undefined || !isNear(time, nowMs) || !isFew(given)) return MALFORMED
  const expected = secrets.map((secret) => hmac(secret, `${time}.`, body))
  return anyEqual(
    given.map((text) => bytesOf(text, 'hex')),
    expected,
  )
}

/** Standard Webhooks: `webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`. Svix's own names of the headers count, too. */
function verifyStandard({ headers, body }: SignedRequest, secrets: readonly string[], nowMs: number): Verdict {
  const named = (part: string): string | undefined =>
    single(headers[`webhook-${part}`]) ?? single(headers[`svix-${part}`])
  const [id, time, header] = [named('id'), named('timestamp'), named('signature')]
  if (id === undefined || id === '' || time === undefined || header === undefined || !isNear(time, nowMs))
    return MALFORMED
  const given = header.split(' ').flatMap((part) => (part.startsWith('v1,') ? [part.slice('v1,'.length)] : []))
  if (!isFew(given)) return MALFORMED
  const expected = secrets.map((secret) => hmac(standardKey(secret), `${id}.${time}.`, body))
  const { verdict } = anyEqual(
    given.map((text) => bytesOf(text, 'base64')),
    expected,
  )
  return verdict === 'good' ? { verdict, id } : { verdict }
}

/** GitHub: `X-Hub-Signature-256: sha256=<hex of HMAC-SHA256 over the body>`. There is no time in it: the id of the delivery ends repeats. */
function verifyGithub({ headers, body }: SignedRequest, secrets: readonly string[]): Verdict {
  const [header, id] = [single(headers['x-hub-signature-256']), single(headers['x-github-delivery'])]
  if (header === undefined || id === undefined || id === '' || !header.startsWith('sha256=')) return MALFORMED
  const expected = secrets.map((secret) => hmac(secret, '', body))
  const { verdict } = anyEqual([bytesOf(header.slice('sha256='.length), 'hex')], expected)
  return verdict === 'good' ? { verdict, id } : { verdict }
}

/** The headers of an event that is sent by Standard Webhooks, signed with each of the secrets. */
export function signStandard(
  id: string,
  atSeconds: number,
  body: Uint8Array,
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map(
    (secret) => `v1,${hmac(standardKey(secret), `${id}.${atSeconds}.`, body).toString('base64')}`,
  )
  return { 'webhook-id': id, 'webhook-timestamp': String(atSeconds), 'webhook-signature': signatures.join(' ') }
}

/** The bytes of a secret of Standard Webhooks: base64, with or without the beginning `whsec_`. */
function standardKey(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
}

function hmac(key: string | Buffer, head: string, body: Uint8Array): Buffer {
  return createHmac('sha256', key).update(head).update(body).digest()
}

/** The only value of a header; undefined if there are none, several, or too many characters. */
function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value.length <= SIGNATURE_LIMITS.headerCharsMax ? value : undefined
}

function isFew(given: readonly string[]): boolean {
  return given.length > 0 && given.length <= SIGNATURE_LIMITS.signaturesMax
}

/** Whether a time in whole seconds is near the server's own. */
function isNear(time: string, nowMs: number): boolean {
  return /^\d{1,12}$/.test(time) && Math.abs(Number(time) * 1_000 - nowMs) <= SIGNATURE_LIMITS.windowMs
}

/** The bytes that a text stands for; none if it is not their one spelling. */
function bytesOf(text: string, encoding: 'hex' | 'base64'): Buffer {
  const bytes = Buffer.from(text, encoding)
  return bytes.toString(encoding) === (encoding === 'hex' ? text.toLowerCase() : text) ? bytes : Buffer.alloc(0)
}

/** Compares each with each, and does not stop at the first that fits. */
function anyEqual(given: readonly Buffer[], expected: readonly Buffer[]): Verdict {
  let isGood = false
  for (const one of given) {
    for (const other of expected) isGood = (one.length === other.length && timingSafeEqual(one, other)) || isGood
  }
  return { verdict: isGood ? 'good' : 'forged' }
}
