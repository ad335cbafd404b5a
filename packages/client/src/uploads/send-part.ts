import { whenAborted } from '../abort.ts'

/** The answer to a part; status 0 where none came. */
export interface PartAnswer {
  readonly status: number
  /** Time that the store asks to wait, ms. */
  readonly retryAfterMs: number | undefined
}

/** A part that makes no progress for so long has lost its connection: a computer that slept does not hear of it. */
const SILENT_MS = 60_000

/**
 * Sends the bytes of a part, and tells how many are on their way. Never rejects: a connection that breaks is status 0. A browser's
 * `fetch` can't tell how far a body is, so that the older request does the work there.
 */
export function sendPart(
  url: string,
  body: Blob,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<PartAnswer> {
  return typeof XMLHttpRequest === 'undefined' ? byFetch(url, body, signal) : byRequest(url, body, onBytes, signal)
}

async function byFetch(url: string, body: Blob, signal: AbortSignal): Promise<PartAnswer> {
  const late = AbortSignal.timeout(SILENT_MS + Math.ceil(body.size / 10))
  const either = AbortSignal.any([signal, late])
  try {
    const answer = await fetch(url, { method: 'PUT', body, signal: either })
    await answer.arrayBuffer()
    return { status: answer.status, retryAfterMs: msOf(answer.headers.get('retry-after')) }
  } catch {
    return { status: 0, retryAfterMs: undefined }
  }
}

function byRequest(
  url: string,
  body: Blob,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<PartAnswer> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    let timer: ReturnType<typeof setTimeout> | undefined
    const wait = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => request.abort(), SILENT_MS)
    }
    const stop = whenAborted(signal, () => request.abort())
    request.upload.onprogress = ({ loaded }) => {
      onBytes(loaded)
      wait()
    }
    request.onloadend = () => {
      clearTimeout(timer)
      stop()
      resolve({ status: request.status, retryAfterMs: msOf(retryAfterOf(request)) })
    }
    request.open('PUT', url)
    wait()
    if (signal.aborted) request.onloadend(new ProgressEvent('loadend'))
    else request.send(body)
  })
}

/** A browser complains of a header that a store of another origin does not let pages see. */
function retryAfterOf(request: XMLHttpRequest): string | null {
  const isSeen = /^retry-after:/im.test(request.getAllResponseHeaders())
  return isSeen ? request.getResponseHeader('retry-after') : null
}

function msOf(header: string | null): number | undefined {
  const seconds = Number(header ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined
}
