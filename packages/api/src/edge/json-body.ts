import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from '../api-error.ts'
import { hasMoreValues, textFault } from '../request-json.ts'

/** Media types of the bodies that the API reads, as UTF-8. All others are refused. */
export const BODY_TYPES = ['application/json', 'application/merge-patch+json']

/**
 * Makes the app read JSON and nothing else. An empty body counts as none, since many clients send
 * `Content-Type: application/json` with every request. Bytes that are not UTF-8 are refused: a decoder would replace them by
 * U+FFFD, and these would be written for good.
 *
 * @param valuesMax see `ApiLimits.bodyValuesMax`
 * @param paid does a part of the work of a request, for which its caller pays
 */
export function readJsonBodies(
  app: FastifyInstance,
  valuesMax: number,
  paid: (request: FastifyRequest, parse: () => void) => void,
): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'ignore')
  app.addContentTypeParser(BODY_TYPES, { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    if (bytes.length === 0) return done(null, undefined)
    if (!isUtf8(bytes)) return done(new ApiError('malformed', 'the body is not UTF-8: encode it as UTF-8'))
    let parsed: Parameters<typeof done> | undefined
    paid(request, () => {
      if (hasMoreValues(bytes, valuesMax)) {
        parsed = [tooManyValues(valuesMax)]
        return
      }
      const text = bytes.toString()
      const fault = textFault(text)
      if (fault !== undefined) parsed = [new ApiError('invalid', `the body ${fault}`)]
      else
        void parseJson(request, text, (error, body) => {
          parsed = [error, body]
        })
    })
    return parsed === undefined ? done(new Error('the parser of JSON did not answer at once')) : done(...parsed)
  })
}

function tooManyValues(valuesMax: number): ApiError {
  const message = `the body has more than ${valuesMax} members of objects, objects and arrays: send it in parts`
  return new ApiError('too_large', message)
}

/** Throws for a compressed body: unpacked, it could take more memory than `bodyBytesMax`. */
export function assertPlainBody({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return
  throw new ApiError(
    'unsupported_media_type',
    `the body is compressed as ${encoding}, which this server does not unpack: send it without Content-Encoding`,
  )
}
