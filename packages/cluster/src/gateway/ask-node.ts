import { request } from 'node:http'

/** The answer of another node. */
export interface NodeAnswer {
  readonly status: number
  readonly body: string
}

export interface NodeQuestion {
  readonly method: 'GET' | 'POST'
  /** Target in its origin form. */
  readonly target: string
  /** JSON. */
  readonly body?: unknown
  readonly signal: AbortSignal
}

/** Headers that say how a body is made: the question has another one than its caller's request. */
const OF_BODY = new Set(['content-length', 'content-type', 'content-encoding', 'transfer-encoding', 'accept-encoding'])

/**
 * Asks the node at `host:port`, over a connection of its own. `headers` are names and values in turn. Rejects with the error of the
 * connection, and with the signal's reason.
 */
export async function askNode(
  address: string,
  headers: readonly string[],
  { method, target, body, signal }: NodeQuestion,
): Promise<NodeAnswer> {
  const colon = address.lastIndexOf(':')
  const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const kept = headers.filter((_, at) => !OF_BODY.has((headers[at - (at % 2)] ?? '').toLowerCase()))
  if (sent !== undefined) kept.push('Content-Type', 'application/json', 'Content-Length', String(sent.length))
  const asked = request({
    ...{ method, path: target, headers: kept, signal, setHost: false, agent: false },
    host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
    port: Number(address.slice(colon + 1)),
  })
  return await new Promise<NodeAnswer>((resolve, reject) => {
    asked.once('error', reject)
    asked.once('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    asked.end(sent)
  })
}
