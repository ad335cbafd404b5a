import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
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
  if (isAnswered(socket)) return void socket.destroy()
  const { code: cause } = error as NodeJS.ErrnoException
  const { status, code, message } = Object.hasOwn(BROKEN, cause ?? '')
    ? BROKEN[cause as keyof typeof BROKEN]
    : MALFORMED
  const timer = setTimeout(() => socket.destroy(), drainMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  discard(socket)
  endBy(socket, status, { code, message })
}

/** Ends the connection of a request whose body comes in too many small parts, with an answer if there was none. */
export function cutSmallParts(request: IncomingMessage): void {
  const { socket } = request
  // Once a request is answered, the connection has no answer under way, or that of another request.
  if (isAnswered(socket) || answerOn(socket)?.req !== request) return void socket.destroy()
  const message = 'the body comes in too many small parts: write parts of 1 KiB or more, or the whole with its length'
  endBy(socket, 413, { code: 'too_large', message })
  // The rest would be read part by part.
  socket.destroySoon()
}

/** Whether nothing more may be said on a connection, or the answer to its request has begun. */
function isAnswered(socket: Duplex): boolean {
  return !socket.writable || answerOn(socket)?.headersSent === true
}

/** The answer that is under way on a connection. */
function answerOn(socket: Duplex): ServerResponse | null | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage
}

function endBy(socket: Duplex, status: number, error: { readonly code: string; readonly message: string }): void {
  const body = JSON.stringify({ error })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
      `X-Content-Type-Options: nosniff\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
