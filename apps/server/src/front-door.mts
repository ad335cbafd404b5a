import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Api } from '@joinery/api'
import type { DemonstrationDoor } from '@joinery/demonstration'
import { isLoopbackHost } from '@joinery/server'
import { createEditorFiles } from './editor-files.mts'
import type { Metrics } from './metrics.mts'
import type { ControlDoor } from './operations/control-door.mts'
import type { Readiness } from './readiness.mts'
import type { ServeConfig } from './serve-config.mts'
import { renderStartPage, START_PAGE_POLICY } from './start-page.mts'
import { VERSION } from './version.mts'

/** What a Host header may look like; anything else is not echoed into a page. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i

/** What answers over HTTP besides the pages here; there once the server is. */
export interface Faces {
  readonly api: Api
  readonly metrics: Metrics
  readonly readiness: () => Promise<Readiness>
  /** Absent when nothing is kept that an operator could work on. */
  readonly control: ControlDoor | undefined
  /** Absent where others than this machine's people may come in. */
  readonly demonstration: DemonstrationDoor | undefined
}

/**
 * Answers plain HTTP that the server itself does not: `/v1`, the editor at `/w/<workspace>`, `/metrics`, the
 * start page at `/`, 404 for the rest.
 */
export function createFrontDoor(config: ServeConfig, faces: () => Faces | undefined) {
  const editor = createEditorFiles()
  return (request: IncomingMessage, response: ServerResponse): void => {
    const { api, metrics, readiness, control, demonstration } = faces() ?? {}
    if (control?.handle(request, response) || demonstration?.handle(request, response)) return
    // Asked by every page that is opened: that there is none is no error.
    if (request.url?.startsWith('/demo/status')) return answer(response, 204, 'text/plain', '')
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
            '{"status":"not_ready","reasons":["the disk can’t be looked at"]}\n',
          ),
      )
    } else if (path !== '/') {
      answer(
        response,
        404,
        'text/plain',
        'nothing here: / tells what runs, /w/<workspace> is the editor, /healthz how it is, /readyz whether traffic may come, /metrics what it did, /v1/openapi.json what can be asked\n',
      )
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      answer(response, 405, 'text/plain', 'only GET and HEAD here\n')
    } else {
      response.setHeader('content-security-policy', START_PAGE_POLICY)
      answer(response, 200, 'text/html', renderStartPage(factsFor(request, config)))
    }
  }
}

function factsFor(request: IncomingMessage, config: ServeConfig) {
  const asked = request.headers.host ?? ''
  const authority = HOST.test(asked) ? asked : `${config.host}:${config.port}`
  const isSecure = request.headers['x-forwarded-proto'] === 'https'
  return {
    syncUrl: `${isSecure ? 'wss' : 'ws'}://${authority}`,
    httpUrl: `${isSecure ? 'https' : 'http'}://${authority}`,
    // Where files lie is nobody's business but the machine's own.
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
