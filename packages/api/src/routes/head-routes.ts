import type { WorkspaceId } from '@joinery/server'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { unknownWorkspace } from '../known-workspace.ts'
import { lsnSchema, params, timeSchema } from '../schemas.ts'
import { anyHeaders, noBody, nothing, type Route, route } from './route.ts'

const get = route(
  {
    method: 'GET',
    path: '/v1/workspaces/{workspace}/head',
    id: 'getHead',
    summary: 'Signed head: a statement of how far the history has come, to be held against it later',
    params: params.workspace,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'The head as of now. Everything through `lsn` is on the disk.',
        schema: z.object({
          workspace: z.string(),
          generation: z.string().meta({ description: 'id of this history' }),
          lsn: lsnSchema,
          chain: z.string().meta({ description: 'chain value of the record at `lsn`, 64 hexadecimal digits' }),
          at: timeSchema,
          key: z.string().meta({ description: 'Ed25519 public key, 32 bytes as base64url' }),
          signature: z.string().meta({ description: 'Ed25519 signature, 64 bytes as base64url' }),
        }),
      },
    },
    errors: ['unknown_workspace', 'no_head_key'],
  },
  async ({ params: { workspace } }, { heads }) => {
    if (heads === undefined) {
      const message =
        'this server signs no heads: make a key by "joinery keygen --out FILE", and start it with --head-key FILE'
      throw new ApiError('no_head_key', message)
    }
    const head = await heads.of(workspace as WorkspaceId)
    if (head === undefined) throw unknownWorkspace(workspace)
    return { status: 200, body: head }
  },
)

export const headRoutes: readonly Route[] = [get]
