import type { Egress } from '../egress/egress.ts'
import { signStandard } from '../hooks/signatures.ts'
import { ResourceError } from '../resource-error.ts'
import type { Secrets } from '../secrets/secrets.ts'
import type { Delivery } from './lane-fold.ts'
import type { Subscription } from './subscription-config.ts'

/** Longest pause that an endpoint may ask for, ms. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000

/** The result of one attempt. */
export type Sent =
  /** `refused`: the endpoint wants this delivery never more. `gone`: it wants none at all. */
  | { readonly outcome: 'sent' }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'gone'; readonly why: string }
  | { readonly outcome: 'failed'; readonly why: string; readonly retryAfterMs?: number | undefined }

/**
 * Makes one attempt. Resolves with any result, a refused URL included; nothing of the answer's body is read into it. Rejects with the reason of
 * `signal`.
 */
export async function send(
  egress: Pick<Egress, 'request'>,
  secrets: Secrets,
  { url, headers, secrets: names }: Subscription,
  { id, body }: Pick<Delivery, 'id' | 'body'>,
  signal: AbortSignal,
): Promise<Sent> {
  try {
    const bytes = Buffer.from(body)
    const own = Object.entries(headers).map(([name, value]) => {
      return [name, typeof value === 'string' ? value : `${value.prefix}${secrets.read(value.secret)}`] as const
    })
    const keys = names.map((name) => secrets.read(name))
    const answer = await egress.request(url, {
      method: 'POST',
      headers: {
        ...Object.fromEntries(own),
        'content-type': 'application/json',
        'user-agent': 'Joinery-Webhooks/1',
        ...signStandard(id, Math.floor(Date.now() / 1_000), bytes, keys),
      },
      body: bytes,
      signal,
    })
    const { status } = answer
    if (status >= 200 && status < 300) return { outcome: 'sent' }
    if (status === 410) return { outcome: 'gone', why: 'the endpoint answered 410: it is gone' }
    if (answer.headers['webhook-delivery'] === 'abort-message') return { outcome: 'refused' }
    const retryAfterMs = status === 429 || status === 503 ? afterMs(answer.headers['retry-after']) : undefined
    const why = status >= 300 && status < 400 ? `${status}, a redirect, which is not followed` : String(status)
    return { outcome: 'failed', why: `the endpoint answered ${why}`, retryAfterMs }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ResourceError)) throw error
    return { outcome: 'failed', why: secrets.redact(error.message) }
  }
}

/** The pause of a `Retry-After` in seconds or as a date, ms. */
function afterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX)
}
