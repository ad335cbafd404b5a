import type { Identity } from '@joinery/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'
import type { BytesInFlight } from '../bytes-in-flight.ts'
import { authorOf } from '../caller.ts'
import { UPDATE_TYPE } from '../update-bytes.ts'

export interface UpdateBodies {
  readonly limits: ApiLimits
  readonly inFlight: BytesInFlight
  /** Identifies the caller for the workspace in the path. */
  identify(request: FastifyRequest): Promise<Identity>
}

/**
 * Makes a scope of the app read Yjs updates as bytes, and nothing else. They may be far larger than JSON: a caller is
 * identified before a byte of the body is read, and all bodies together have a limit.
 */
export function readUpdateBodies(scope: FastifyInstance, { limits, inFlight, identify }: UpdateBodies): void {
  const { updateBytesMax } = limits
  scope.removeAllContentTypeParsers()
  scope.addHook('onRequest', async (request, reply) => {
    const { actor } = authorOf(await identify(request))
    // A body of unknown length counts as the largest that is allowed.
    const length = Number(request.headers['content-length'] ?? updateBytesMax)
    if (length > updateBytesMax) throw tooLarge(updateBytesMax)
    reply.raw.once('close', inFlight.take(actor, length))
  })
  scope.addContentTypeParser(
    UPDATE_TYPE,
    { parseAs: 'buffer', bodyLimit: updateBytesMax },
    (_request, bytes: Buffer, done) => done(null, bytes.length === 0 ? undefined : bytes),
  )
}

export function tooLarge(bytesMax: number): ApiError {
  return new ApiError('too_large', `the update has more than ${bytesMax} bytes: send it in parts, each of whole edits`)
}
