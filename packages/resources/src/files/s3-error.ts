import { FileError } from './file-error.ts'
import { textOf } from './s3-xml.ts'

const UPLOAD_GONE: ReadonlySet<unknown> = new Set(['NoSuchUpload'])
const PART_GONE: ReadonlySet<unknown> = new Set(['InvalidPart', 'InvalidPartOrder'])
const ELSEWHERE: ReadonlySet<unknown> = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
])
const PATIENCE: ReadonlySet<unknown> = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
])
const PATIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429])

/** An error after which the store is asked again. */
export function unavailable(
  message: string,
  options: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined } = {},
): FileError {
  return new FileError('store_unavailable', message, options)
}

/** Whether an answer is a page for people. No store sends one. */
export function isPage(headers: Headers): boolean {
  return /^text\/html\b/i.test(headers.get('content-type') ?? '')
}

/** The error of an answer, by the words of the store. A page is nobody's word, so that the store is asked again. */
export function s3ErrorOf(answer: Response, text: string): FileError {
  const { status, headers } = answer
  const code = textOf(text, 'Code')
  const said = `${code ?? status}${code === undefined ? '' : `: ${textOf(text, 'Message') ?? ''}`}`.slice(0, 300)
  if (UPLOAD_GONE.has(code)) return new FileError('unknown_upload', `the store does not have the upload (${said})`)
  if (PART_GONE.has(code)) {
    return new FileError('upload_incomplete', `the store can't join the parts (${said}): upload the missing ones again`)
  }
  if (code === 'EntityTooSmall') {
    const why = `the store takes no parts that are so small (${said}): raise the limit files.partBytes, and upload the file again`
    return new FileError('store_refused', why)
  }
  if (ELSEWHERE.has(code) || (status >= 300 && status < 400)) return elsewhere(answer, text, said)
  if (PATIENCE.has(code) || PATIENT_STATUSES.has(status) || status >= 500) {
    const isSlow = code === 'SlowDown' || status === 429 || status === 503
    return new FileError('store_unavailable', `the store asks to be asked later (${said})`, {
      class: isSlow ? 'throttled' : 'transient',
      retryAfterMs: retryAfterOf(headers),
    })
  }
  if (code === undefined && isPage(headers)) {
    const where = answer.url.split('?', 1)[0]
    const why = `${where} answers ${status} with a page, which is no answer of a store: check the endpoint, and what stands before it`
    return unavailable(why)
  }
  const isStore = code !== undefined || text === ''
  const why = isStore
    ? `the store refuses the request (${said}): check the bucket, the keys and their rights`
    : `${answer.url.split('?', 1)[0]} answers ${status} and no answer of a store: check the endpoint, and what stands before it`
  return new FileError('store_refused', why, { details: { status, ...(code !== undefined && { code }) } })
}

/** The bucket is in another region, or at another address. A new bucket is sent elsewhere for a while only. */
function elsewhere({ status, headers }: Response, text: string, said: string): FileError {
  const region = headers.get('x-amz-bucket-region') ?? textOf(text, 'Region')
  const location = headers.get('location') ?? ''
  const place = textOf(text, 'Endpoint') ?? (URL.canParse(location) ? new URL(location).origin : undefined)
  const where = [region && `in the region ${region}`, place && `at ${place}`].filter(Boolean).join(' ')
  const message = `the bucket is ${where || 'elsewhere'} (${said}): set endpoint and region of the section files`
  return status === 307 ? unavailable(message) : new FileError('store_refused', message)
}

/** Time that an answer asks to wait, ms: seconds, or a date. */
function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now()
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined
}
