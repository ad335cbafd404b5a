import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Prepares a request with `Expect: 100-continue`. The server sends `100 Continue` when a handler first reads the body. A
 * handler that refuses the request before, because of its length or type, spares the client the body. The connection
 * then ends with the answer, since the client may or may not send the body after all.
 */
export function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const read = request._read
  const { shouldKeepAlive } = response
  response.shouldKeepAlive = false
  request._read = (size) => {
    request._read = read
    // Node itself reads the rest of a request after its answer.
    if (!response.headersSent) {
      response.shouldKeepAlive = shouldKeepAlive
      response.writeContinue()
    }
    read.call(request, size)
  }
}
