import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { anyHeaders, nothing, type Route, route } from './route.ts'

const revocationBody = z
  .strictObject({
    actor: z.string().min(1).max(128).meta({ description: 'the actor whose tokens are taken back' }),
    since: z.iso.datetime({ offset: true }).optional().meta({
      description: 'tokens issued before this time are refused; now by default, and never later than now',
    }),
  })
  .meta({ id: 'Revocation' })

const revoke = route(
  {
    method: 'POST',
    path: '/v1/revocations',
    id: 'revokeTokens',
    summary: 'Refuse the tokens of an actor and end its connections now (needs a token with operator: true)',
    params: nothing,
    query: nothing,
    headers: anyHeaders,
    body: revocationBody,
    answers: {
      200: {
        description: 'The revocation is kept, also over a restart, and the connections and streams are ended.',
        schema: z.object({
          actor: z.string(),
          since: z.iso.datetime(),
          ended: z.int().meta({ description: 'number of sockets and streams that were ended' }),
        }),
      },
    },
    errors: ['no_tokens'],
    isForOperators: true,
  },
  async ({ body: { actor, since } }, { revocations }) => {
    const nowMs = Date.now()
    const sinceMs = since === undefined ? nowMs : Date.parse(since)
    if (sinceMs > nowMs) throw new ApiError('invalid', 'since is later than now: tokens can be revoked up to now')
    const ended = await revocations.revoke(actor, sinceMs)
    return { status: 200, body: { actor, since: new Date(sinceMs).toISOString(), ended } }
  },
)

export const revocationRoutes: readonly Route[] = [revoke]
