import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from '../api-error.ts'
import { hasMoreValues, textFault } from '../request-json.ts'
import type { RequestWork } from '../request-work.ts'

/** Media types of the bodies that the API reads, as UTF-8. All others are refused. */
export const BODY_TYPES = ['application/json', 'application/merge-patch+json']

/**
 * Makes the app read JSON and nothing else. An empty body counts as none, since many clients send
 * `Content-Type: application/json` with every request. Bytes that are not UTF-8 are refused: a decoder would replace them by
 * U+FFFD, and these would be written for good.
 *
 * @param valuesMax see `ApiLimits.bodyValuesMax`
 * @param workOf the work of a request, for which its caller pays
 */
export function readJsonBodies(
  app: FastifyInstance,
  valuesMax: number,
  workOf: (request: FastifyRequest) => RequestWork | undefined,
): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'ignore')
  app.addContentTypeParser(BODY_TYPES, { parseAs: 'buffer' }, async (request: FastifyRequest, bytes: Buffer) => {
    if (bytes.length === 0) return undefined
    const work = workOf(request)
    const paid = <T>(part: () => T): T => work?.part(part) ?? part()
    const text = paid(() => textOf(bytes, valuesMax))
    await work?.breathe()
    return paid(() => {
      let parsed: { readonly error: Error | null; readonly body: unknown } | undefined
      void parseJson(request, text, (error, body) => {
        parsed = { error, body }
      })
      if (parsed === undefined) throw new Error('the parser of JSON did not answer at once')
      if (parsed.error !== null) throw parsed.error
      return parsed.body
    })
  })
}

/** The text of a body. Throws for one that is no UTF-8 or has too many values, and for what only the text shows. */
function textOf(bytes: Buffer, valuesMax: number): string {
  if (!isUtf8(bytes)) throw new ApiError('malformed', 'the body is not UTF-8: encode it as UTF-8')
  if (hasMoreValues(bytes, valuesMax)) throw tooManyValues(valuesMax)
  const text = bytes.toString()
  const fault = textFault(text)
  if (fault !== undefined) throw new ApiError('invalid', `the body ${fault}`)
  return text
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
