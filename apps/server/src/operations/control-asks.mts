import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LogError } from '@joinery/log'
import { z } from 'zod'
import type { ImportChoice, Operator, Watched } from './operator.mts'

/** Upper bound of a request's body, bytes; an import's archive has none. */
const BODY_BYTES_MAX = 64 * 1024

/** Handler of one request of a command. It reports progress to `watched`, and stops at its signal. */
export type Ask = (
  operator: Operator,
  request: IncomingMessage,
  watched: Required<Omit<Watched, 'onBytes'>>,
) => Promise<unknown>

const inspectBody = z.object({ workspace: z.string().optional() })
export const archiveBody = z.union([
  z.object({ intactPartOf: z.string() }),
  z.object({ workspaces: z.array(z.string()).optional() }),
])
const removeBody = z.object({ removal: z.enum(['delete', 'undelete', 'purge']), workspace: z.string() })
const repairBody = z.object({ workspace: z.string(), isMeant: z.boolean() })
const revokeBody = z.object({ actor: z.string().min(1).max(128), sinceMs: z.number().min(0) })
const leasesBody = z.object({ workspace: z.string() })
const releaseBody = z.object({ workspace: z.string(), name: z.string() })
const tasksBody = z.object({ workspace: z.string() })
const taskBody = z.object({ workspace: z.string(), task: z.string() })
const askTaskBody = taskBody.extend({
  ask: z.union([
    z.object({ type: z.enum(['retry', 'cancel', 'terminate']) }),
    z.object({ type: z.literal('skip'), step: z.string(), result: z.json() }),
  ]),
})
const hookBody = z.object({ endpoint: z.string(), id: z.string() })
const askHookBody = hookBody.extend({ ask: z.enum(['replay', 'drop']) })
const deliveryBody = z.object({ subscription: z.string(), id: z.string() })
const askDeliveryBody = deliveryBody.extend({ ask: z.enum(['replay', 'drop']) })
const enableBody = z.object({ subscription: z.string() })
const compactBody = z.object({
  keepHistory: z.union([
    z.literal('forever'),
    z.object({ days: z.number().min(0) }),
    z.object({ events: z.int().min(0) }),
  ]),
  workspace: z.string().optional(),
})
const historyBody = z.object({
  workspace: z.string(),
  touched: z.string().optional(),
  actor: z.string().optional(),
  source: z.string().optional(),
  since: z.number().optional(),
  until: z.number().optional(),
  limit: z.int().min(1).max(1_000_000),
})

/** Handlers by the last segment of the path. */
export const ASKS: Readonly<Record<string, Ask>> = {
  ping: () => Promise.resolve(null),
  verify: (operator, _request, watched) => operator.verify(watched),
  inspect: async (operator, request, { signal }) => {
    return operator.inspect(inspectBody.parse(await readQuestion(request)).workspace, signal)
  },
  history: async (operator, request, { signal }) => {
    const { workspace, limit, ...rest } = historyBody.parse(await readQuestion(request))
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
    return operator.history({ workspace, limit, ...given }, signal)
  },
  remove: async (operator, request) => {
    const { removal, workspace } = removeBody.parse(await readQuestion(request))
    await operator.remove(removal, workspace)
  },
  repair: async (operator, request, watched) => {
    const { workspace, isMeant } = repairBody.parse(await readQuestion(request))
    return operator.repair(workspace, isMeant, watched)
  },
  revoke: async (operator, request) => {
    const { actor, sinceMs } = revokeBody.parse(await readQuestion(request))
    return operator.revoke(actor, sinceMs)
  },
  leases: async (operator, request) => operator.leases(leasesBody.parse(await readQuestion(request)).workspace),
  releaseLease: async (operator, request) => {
    const { workspace, name } = releaseBody.parse(await readQuestion(request))
    return operator.releaseLease(workspace, name)
  },
  tasks: async (operator, request) => operator.tasks(tasksBody.parse(await readQuestion(request)).workspace),
  damagedJournals: async (operator, request) => {
    await readQuestion(request)
    return operator.damagedJournals()
  },
  task: async (operator, request) => {
    const { workspace, task } = taskBody.parse(await readQuestion(request))
    return operator.task(workspace, task)
  },
  askTask: async (operator, request) => {
    const { workspace, task, ask } = askTaskBody.parse(await readQuestion(request))
    return operator.askTask(workspace, task, ask)
  },
  resumeTasks: async (operator, request) => {
    return operator.resumeTasks(tasksBody.parse(await readQuestion(request)).workspace)
  },
  hooks: async (operator, request) => {
    await readQuestion(request)
    return operator.hooks()
  },
  hook: async (operator, request) => {
    const { endpoint, id } = hookBody.parse(await readQuestion(request))
    return operator.hook(endpoint, id)
  },
  askHook: async (operator, request) => {
    const { endpoint, id, ask } = askHookBody.parse(await readQuestion(request))
    return operator.askHook(endpoint, id, ask)
  },
  deliveries: async (operator, request) => {
    await readQuestion(request)
    return operator.deliveries()
  },
  delivery: async (operator, request) => {
    const { subscription, id } = deliveryBody.parse(await readQuestion(request))
    return operator.delivery(subscription, id)
  },
  askDelivery: async (operator, request) => {
    const { subscription, id, ask } = askDeliveryBody.parse(await readQuestion(request))
    return operator.askDelivery(subscription, id, ask)
  },
  enableEndpoint: async (operator, request) => {
    await operator.enableEndpoint(enableBody.parse(await readQuestion(request)).subscription)
    return null
  },
  compact: async (operator, request, watched) => {
    const { keepHistory, workspace } = compactBody.parse(await readQuestion(request))
    return operator.compact(keepHistory, workspace, watched)
  },
  import: importUpload,
}

export async function readQuestion(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX)
      throw new LogError('invalid', `the request is too large: a body is at most ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || '{}')
  } catch (cause) {
    throw new LogError('invalid', 'the request’s body is not JSON', { cause })
  }
}

/** Imports the archive in the request's body. The body goes to a temporary file first, because an import reads the archive twice. */
async function importUpload(
  operator: Operator,
  request: IncomingMessage,
  watched: Required<Omit<Watched, 'onBytes'>>,
): Promise<unknown> {
  const query = new URL(request.url ?? '/', 'http://server').searchParams
  const workspaces = query.getAll('workspace')
  const as = query.get('as')
  const choice: ImportChoice = { ...(workspaces.length > 0 && { workspaces }), ...(as !== null && { as }) }
  const directory = await mkdtemp(join(tmpdir(), 'joinery-import-'))
  try {
    const path = join(directory, 'archive')
    await pipeline(request, createWriteStream(path, { mode: 0o600 }), { signal: watched.signal })
    return await operator.import(path, choice, watched)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
