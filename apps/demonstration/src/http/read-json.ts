import type { IncomingMessage } from 'node:http'
import { DemonstrationError } from '../demonstration-error.ts'

/** Upper bound of a request's body, bytes: it has only a few names. */
const BODY_BYTES_MAX = 4_096

/** Reads the body as a JSON object. Rejects with `unsupported_media_type`, `too_large` or `bad_request`. */
export async function readJsonObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new DemonstrationError('unsupported_media_type', 'the content type is not JSON: send application/json')
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_BYTES_MAX)
      throw new DemonstrationError('too_large', `the body is too large: send at most ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new DemonstrationError('bad_request', 'the body is not JSON: send a JSON object', { cause })
  }
  throw new DemonstrationError('bad_request', 'the body is JSON but not an object: send a JSON object')
}
