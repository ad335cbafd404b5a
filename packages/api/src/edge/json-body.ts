import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from '../api-error.ts'

/** Bodies of these media types are read, as UTF-8; every other is refused. */
export const BODY_TYPES = ['application/json', 'application/merge-patch+json']

/**
 * Reads JSON and nothing else. An empty body counts as none, since many clients say `Content-Type: application/json` with
 * every request. Bytes that are no UTF-8 are refused: read as something else they would be written, for good, as U+FFFD.
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser(BODY_TYPES, { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    if (bytes.length === 0) return done(null, undefined)
    if (!isUtf8(bytes)) return done(new ApiError('malformed', 'the body is no UTF-8'))
    return parseJson(request, bytes.toString(), done)
  })
}

/** Throws for a compressed body: unpacking it would take more memory than `bodyBytesMax` says. */
export function assertPlainBody({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return
  throw new ApiError(
    'unsupported_media_type',
    `a body in ${encoding} is not unpacked: send it without Content-Encoding`,
  )
}
