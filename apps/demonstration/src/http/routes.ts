import type { IncomingMessage, ServerResponse } from 'node:http'
import { type IndexingEntry, isBlockId } from '@joinery/blocks'
import { HASHED_NGRAMS } from '@joinery/resources/search'
import type { DemonstrationView } from '../demonstration.ts'
import { DemonstrationError, ERROR_STATUS } from '../demonstration-error.ts'
import type { Demonstrations } from '../demonstrations.ts'
import { isScenarioName, SCENARIOS } from '../scenarios/all-scenarios.ts'
import { type ConfiguredEmbedding, openEmbedder } from '../search/open-embedder.ts'
import { searchPassages } from '../search/search.ts'
import { VectorFiles } from '../search/vector-files.ts'
import { readJsonObject } from './read-json.ts'
import { isSameOrigin } from './same-origin.ts'

export interface RouteServices {
  readonly demonstrations: Demonstrations
  /** URL of the server's sockets: `ws://127.0.0.1:1234`. */
  syncUrl(): string
  readonly vectorsDirectory: string
  /** Undefined without a service: then vectors are made of hashed n-grams. */
  readonly embedding?: ConfiguredEmbedding | undefined
  isWorkspaceName(name: string): boolean
  /** Resolves with the entry that an index shows now; undefined if there is none. */
  readEntry(workspace: string, block: string, index: string): Promise<IndexingEntry | undefined>
}

/** Upper bound of a search's text, characters. */
const QUERY_CHARS_MAX = 500

type Handler = (request: IncomingMessage, query: URLSearchParams, services: RouteServices) => Promise<Answer>
interface Answer {
  readonly status: number
  readonly body: unknown
}

const ROUTES: Readonly<Record<string, { method: 'GET' | 'POST'; handle: Handler }>> = {
  '/demo/status': {
    method: 'GET',
    handle: async (_request, query, services) => {
      return { status: 200, body: statusOf(services, workspaceOf(query.get('workspace'), services)) }
    },
  },
  '/demo/start': {
    method: 'POST',
    handle: async (request, _query, services) => {
      const { workspace: name, scenario, block, pace = 1 } = await readJsonObject(request)
      const workspace = workspaceOf(name, services)
      if (!isScenarioName(scenario)) throw badRequest(`"scenario" must be one of ${Object.keys(SCENARIOS).join(', ')}`)
      if (block !== undefined && !isBlockId(block)) throw badRequest('"block" must be the id of a block, or absent')
      if (typeof pace !== 'number' || !(pace >= 0 && pace <= 2)) throw badRequest('"pace" must be a number from 0 to 2')
      const { demonstrations, vectorsDirectory, embedding } = services
      const url = services.syncUrl()
      demonstrations.start({ url, workspace, scenario, block, vectorsDirectory, pace, embedding })
      return { status: 202, body: statusOf(services, workspace) }
    },
  },
  '/demo/stop': {
    method: 'POST',
    handle: async (request, _query, services) => {
      const workspace = workspaceOf((await readJsonObject(request)).workspace, services)
      await services.demonstrations.stop(workspace)
      return { status: 200, body: statusOf(services, workspace) }
    },
  },
  '/demo/search': {
    method: 'GET',
    handle: async (_request, query, services) => {
      const workspace = workspaceOf(query.get('workspace'), services)
      const [block, index, q] = ['block', 'index', 'q'].map((key) => query.get(key) ?? '')
      if (!isBlockId(block) || !index)
        throw badRequest('"block" must be the id of a block, and "index" the name of its index')
      if (!q || q.length > QUERY_CHARS_MAX) throw badRequest(`"q" must have 1 to ${QUERY_CHARS_MAX} characters`)
      const entry = await services.readEntry(workspace, block, index)
      const files = new VectorFiles(services.vectorsDirectory)
      const embedder = await openEmbedder(services.embedding)
      const matches = await searchPassages(files, entry, { workspace, block, index, query: q }, embedder)
      return { status: 200, body: { embedding: embedder.name, run: entry?.run, matches } }
    },
  },
}

/** Answers a request to a path below `/demo/`; returns false for any other request. */
export function handleRequest(request: IncomingMessage, response: ServerResponse, services: RouteServices): boolean {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  if (!path.startsWith('/demo/')) return false
  answer(request, path, new URLSearchParams(query), services).then(
    ({ status, body }) => send(response, status, body),
    (error: unknown) => {
      const { code, message } =
        error instanceof DemonstrationError ? error : new DemonstrationError('internal', String(error))
      send(response, ERROR_STATUS[code], { error: { code, message } })
    },
  )
  return true
}

async function answer(request: IncomingMessage, path: string, query: URLSearchParams, services: RouteServices) {
  if (!isSameOrigin(request.headers))
    throw new DemonstrationError(
      'forbidden_origin',
      'the request comes from another site: only pages of this server may ask',
    )
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined
  if (route === undefined)
    throw new DemonstrationError('not_found', `there is no ${path}: use one of ${Object.keys(ROUTES).join(', ')}`)
  if (request.method !== route.method)
    throw new DemonstrationError('method_not_allowed', `${path} takes only ${route.method}`)
  return route.handle(request, query, services)
}

/** Answer of `status`: the scenarios to offer, and the state of the workspace's demonstration. */
export interface DemonstrationStatus {
  readonly embedding: string
  readonly scenarios: readonly { name: string; title: string; danger: string; takesBlock: boolean }[]
  readonly demonstration: DemonstrationView | null
}

function statusOf({ demonstrations, embedding }: RouteServices, workspace: string): DemonstrationStatus {
  const scenarios = Object.entries(SCENARIOS).map(([name, { play: _, ...words }]) => ({ name, ...words }))
  return {
    embedding: embedding?.config.model ?? HASHED_NGRAMS,
    scenarios,
    demonstration: demonstrations.of(workspace) ?? null,
  }
}

function workspaceOf(name: unknown, { isWorkspaceName }: RouteServices): string {
  if (typeof name === 'string' && isWorkspaceName(name)) return name
  throw badRequest('"workspace" must be the name of a workspace')
}

function badRequest(message: string): DemonstrationError {
  return new DemonstrationError('bad_request', message)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
}
