import type { IncomingMessage } from 'node:http'
import { DemonstrationError } from '../demonstration-error.ts'

/** Bytes of a request's body: a few names. */
const BODY_BYTES_MAX = 4_096

/** The body as a JSON object. Throws `unsupported_media_type`, `too_large`, `bad_request`. */
export async function readJsonObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new DemonstrationError('unsupported_media_type', 'send application/json')
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_BYTES_MAX) throw new DemonstrationError('too_large', `at most ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new DemonstrationError('bad_request', 'the body is no JSON', { cause })
  }
  throw new DemonstrationError('bad_request', 'the body is no JSON object')
}
