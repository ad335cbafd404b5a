import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { REFUSALS, type ServerError } from '../server-error.ts'
import { discard } from './discard.ts'

/** Seconds after which a refused client may try again. */
const RETRY_SECONDS = 5

/** Answers a plain request with a refusal, and ends its connection. */
export function refuseRequest(response: ServerResponse, { code, message }: ServerError): void {
  const { status } = REFUSALS[code]
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      connection: 'close',
      ...(status === 503 && { 'retry-after': String(RETRY_SECONDS) }),
    })
    .end(`${JSON.stringify({ error: { code, message } })}\n`)
}

const BROKEN = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'too_slow',
    message: 'the headers or the body of the request took too long: send them at once',
  },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'too_large', message: 'the headers of the request have more than 16 KiB' },
} as const
const MALFORMED = { status: 400, code: 'bad_frame', message: 'the request is no HTTP' } as const

/** Answers a connection whose request can't be read or took too long, and ends it within `drainMs`. */
export function broken(error: Error, socket: Duplex, drainMs: number): void {
  // The rest of a request that was answered already.
  if (socket.writableEnded) return
  const { _httpMessage: answering } = socket as { _httpMessage?: { headersSent: boolean } | null }
  if (!socket.writable || answering?.headersSent) {
    socket.destroy()
    return
  }
  const { code: cause } = error as NodeJS.ErrnoException
  const { status, code, message } = Object.hasOwn(BROKEN, cause ?? '')
    ? BROKEN[cause as keyof typeof BROKEN]
    : MALFORMED
  const body = JSON.stringify({ error: { code, message } })
  const timer = setTimeout(() => socket.destroy(), drainMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  discard(socket)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
      `X-Content-Type-Options: nosniff\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
