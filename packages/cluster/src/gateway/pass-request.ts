import { type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const ONE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'proxy-connection'])

/**
 * Passes a request on over a connection to the owner, and its answer back. Neither side is read faster than the other takes. If the
 * owner ends before it answers, the client gets 502; if it ends in the middle of the answer, the client's connection is cut.
 */
export function passRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { owner, headers }: { owner: Socket; headers: string[] },
): void {
  const { method, url: path } = request
  const passed = requestTo({ createConnection: () => owner, method, path, headers, setHost: false })
  response.once('close', () => passed.destroy())
  passed.once('response', (answer) => {
    answer.on('error', () => response.destroy())
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, kept(answer.rawHeaders))
    // The head of a stream comes long before its first event.
    response.flushHeaders()
    answer.pipe(response)
  })
  passed.on('error', () => {
    if (response.headersSent) response.destroy()
    else refuse(response)
  })
  request.pipe(passed)
}

function kept(raw: readonly string[]): string[] {
  return raw.filter((_, at) => !ONE_CONNECTION.has((raw[at - (at % 2)] ?? '').toLowerCase()))
}

function refuse(response: ServerResponse): void {
  const message =
    'the process that serves this workspace ended before it answered, and may have done what was asked: ask again, with the same Idempotency-Key if it was a write'
  response
    .writeHead(502, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'retry-after': '1',
      connection: 'close',
    })
    .end(`${JSON.stringify({ error: { code: 'owner_lost', message } })}\n`)
}
