import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Api } from '@joinery/api'
import type { DemonstrationDoor } from '@joinery/demonstration'
import type { Inbox } from '@joinery/resources'
import { isLoopbackHost } from '@joinery/server'
import { createEditorFiles } from './editor-files.mts'
import type { ServedFiles } from './files/served-files.mts'
import type { Metrics } from './metrics.mts'
import type { ControlDoor } from './operations/control-door.mts'
import { baseOf } from './page-address.mts'
import type { Readiness } from './readiness.mts'
import type { ServeConfig } from './serve-config.mts'
import { renderStartPage, START_PAGE_POLICY } from './start-page.mts'
import { VERSION } from './version.mts'

/** Form of a Host header; a header of any other form is not repeated in a page. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i

/** Parts that answer HTTP requests besides the pages of this file; they exist once the server does. */
export interface Faces {
  readonly api: Api
  /** Absent without endpoints for webhooks. */
  readonly inbox: Inbox | undefined
  readonly files: ServedFiles
  readonly metrics: Metrics
  readonly readiness: () => Promise<Readiness>
  /** Absent when nothing is on a disk, so that an operator has nothing to work on. */
  readonly control: ControlDoor | undefined
  /** Absent if others than the people at this machine can reach the server. */
  readonly demonstration: DemonstrationDoor | undefined
}

export interface FrontDoorOptions {
  readonly config: ServeConfig
  /** Tables that the editor shows statuses by, beside its own. */
  readonly machines: readonly object[]
  /** Origin of a store of files that is not this server. */
  readonly filesOrigin: string | undefined
}

/**
 * Answers the HTTP requests that the server itself does not: `/v1`, the editor at `/w/<workspace>`, `/metrics`,
 * `/readyz`, the start page at `/`, and 404 for the rest.
 */
export function createFrontDoor({ config, machines, filesOrigin }: FrontDoorOptions, faces: () => Faces | undefined) {
  const editor = createEditorFiles({ machines, page: config.page, filesOrigin })
  return (request: IncomingMessage, response: ServerResponse): void => {
    const { api, files, inbox, metrics, readiness, control, demonstration } = faces() ?? {}
    if (control?.handle(request, response) || demonstration?.handle(request, response)) return
    // Every page asks for it when it is opened: a server without a demonstration is no error.
    if (request.url?.startsWith('/demo/status')) return answer(response, 204, 'text/plain', '')
    if (inbox?.handle(request, response)) return
    if (files?.door(request, response)) return
    if (api?.handle(request, response) || editor.handle(request, response)) return
    const path = (request.url ?? '/').split('?', 1)[0]
    if (path === '/metrics' && metrics !== undefined) {
      metrics.render().then(
        (text) => answer(response, 200, metrics.contentType, text),
        () => answer(response, 500, 'text/plain', 'the metrics could not be read\n'),
      )
    } else if (path === '/readyz' && readiness !== undefined) {
      readiness().then(
        (found) =>
          answer(response, found.status === 'ready' ? 200 : 503, 'application/json', `${JSON.stringify(found)}\n`),
        () =>
          answer(
            response,
            503,
            'application/json',
            '{"status":"not_ready","reasons":["disk: the free space can’t be read"]}\n',
          ),
      )
    } else if (path !== '/') {
      answer(
        response,
        404,
        'text/plain',
        'not found: / is the start page, /w/<workspace> the editor, /healthz the health, /readyz the readiness, /metrics the metrics, /v1/openapi.json the description of the HTTP API\n',
      )
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      answer(response, 405, 'text/plain', 'this path takes only GET and HEAD\n')
    } else {
      response.setHeader('content-security-policy', START_PAGE_POLICY)
      answer(response, 200, 'text/html', renderStartPage(factsFor(request, config)))
    }
  }
}

function factsFor(request: IncomingMessage, config: ServeConfig) {
  const asked = request.headers.host ?? ''
  const authority = HOST.test(asked) ? asked : `${config.host}:${config.port}`
  const base = baseOf(request, config.page)
  const isSecure = request.headers['x-forwarded-proto'] === 'https'
  return {
    base,
    syncUrl: `${isSecure ? 'wss' : 'ws'}://${authority}${base}`,
    httpUrl: `${isSecure ? 'https' : 'http'}://${authority}${base}`,
    // Others than the people at this machine don't need to know where its files are.
    dataDirectory: isLoopbackHost(config.host) ? config.dataDirectory : undefined,
    durability: config.durability,
    version: VERSION,
    isDevelopment: config.keys === undefined,
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type.includes('charset') ? type : `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
