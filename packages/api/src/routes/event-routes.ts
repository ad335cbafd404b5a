import type { ServerResponse } from 'node:http'
import type { WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { lsnQuery, params, streamHeaders, streamToken } from '../schemas.ts'
import { noBody, type Route, route } from './route.ts'

const events = route(
  {
    method: 'GET',
    path: '/v1/workspaces/{workspace}/events',
    id: 'streamEvents',
    summary: 'Every record as a server-sent event, from any LSN on, each once and in order',
    params: params.workspace,
    query: z.strictObject({
      after: lsnQuery
        .optional()
        .meta({ description: 'LSN of the last event that the caller has; without it, the stream begins now' }),
      token: streamToken,
    }),
    headers: streamHeaders,
    body: noBody,
    answers: {
      200: {
        description:
          'Events `change` with the LSN as id, sent when the record is durable. A caller that is too slow gets `behind` with `restartAfter` as its last event, one whose token has expired or was revoked gets `unauthorized` with `why`.',
        mediaType: 'text/event-stream',
      },
    },
    errors: ['unknown_workspace', 'unknown_lsn', 'history_dropped', 'busy'],
  },
  async ({ params: { workspace }, query, headers, identity, work }, services) => {
    const { feeds, lives, limits } = services
    lives.assertRoom(identity.actor, limits.feedConsumersPerActorMax)
    const begin = await feeds.subscribe(workspace as WorkspaceId, headers['last-event-id'] ?? query.after, work)
    const stream = async (response: ServerResponse): Promise<void> => {
      const life = lives.begin(identity)
      response.once('close', life.forget)
      await begin(response, life.signal)
    }
    return { status: 200, stream }
  },
)

export const eventRoutes: readonly Route[] = [events]
