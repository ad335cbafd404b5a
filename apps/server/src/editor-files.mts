import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import sirv from 'sirv'
import { AppError } from './app-error.mts'
import { EDITOR_DIST, ensureEditorBuilt } from './editor-build.mts'
import { baseOf } from './page-address.mts'
import type { PageConfig } from './page-setting.mts'

/**
 * Content-Security-Policy of the editor: its own files and the server that sent them, nothing else. `'self'` covers the
 * socket of the same host and port. A page asks the login address for tokens, and pages that hand over tokens may embed it. Files
 * go to their store and come from it.
 */
function policyFor({ login, tokenOrigins }: PageConfig, filesOrigin: string | undefined): string {
  const files = filesOrigin === undefined ? '' : ` ${filesOrigin}`
  const connect = `${files}${login === undefined ? '' : ` ${new URL(login).origin}`}`
  const ancestors = tokenOrigins.length === 0 ? "'none'" : tokenOrigins.join(' ')
  return `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:${files}; connect-src 'self'${connect}; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors ${ancestors}`
}

const PLAIN_PAGE: PageConfig = { base: '', login: undefined, tokenOrigins: [] }

/** Path of the service worker, which keeps the editor on a device. A worker serves only paths below its own: hence the root. */
const SERVICE_WORKER = '/service-worker.js'

/** Path of the script of the page at `/`, which shows two boards. */
export const FIRST_SCREEN = '/first-screen.js'

/**
 * Serves the editor: its page at `/w/<workspace>`, its files at `/assets/`, and its service worker. The first request
 * builds the editor.
 *
 * @param page settings of the page, which holds them as data
 * @param filesOrigin origin of a store of files that is not this server
 * @param machines tables of the application's own machines: the page holds them as data, so that it shows their statuses
 */
export function createEditorFiles(machines: readonly object[], page: PageConfig = PLAIN_PAGE, filesOrigin?: string) {
  const policy = policyFor(page, filesOrigin)
  let opening: Promise<ReturnType<typeof sirv>> | undefined
  const open = async (): Promise<ReturnType<typeof sirv>> => {
    await ensureEditorBuilt()
    return sirv(EDITOR_DIST, { etag: true, setHeaders })
  }
  return {
    /** True if the request was for the editor and is answered. */
    handle(request: IncomingMessage, response: ServerResponse): boolean {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
      const isPage = path.startsWith('/w/')
      if (!isPage && path !== SERVICE_WORKER && path !== FIRST_SCREEN && !path.startsWith('/assets/')) return false
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response
          .writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain' })
          .end('this path takes only GET and HEAD\n')
        return true
      }
      opening ??= open()
      opening.then(
        (serve) => {
          if (isPage) return void servePage(request, response, machines, page, policy)
          serve(request, response, () => {
            response.writeHead(404, { 'content-type': 'text/plain' }).end('the editor has no such file\n')
          })
        },
        (error: unknown) => {
          // The next request tries again: this one may have come before the packages were installed.
          opening = undefined
          response.writeHead(503, { 'content-type': 'text/plain' })
          response.end(`${error instanceof AppError ? error.message : 'the editor could not be built'}\n`)
        },
      )
      return true
    },
  }
}

/** Serves the page with the tables and settings as JSON, which a browser does not run as a script. */
async function servePage(
  request: IncomingMessage,
  response: ServerResponse,
  machines: readonly object[],
  config: PageConfig,
  policy: string,
): Promise<void> {
  const path = join(EDITOR_DIST, 'index.html')
  const page = await readFile(path, 'utf8').catch(() => undefined)
  if (page === undefined) {
    response.writeHead(503, { 'content-type': 'text/plain' }).end('the editor could not be read\n')
    return
  }
  const base = baseOf(request, config)
  const { login, tokenOrigins } = config
  const data =
    dataElement('machines', machines) +
    dataElement('keys', { login, tokenOrigins }) +
    `<meta name="joinery-base" content="${base}">`
  setHeaders(response, path)
  response.setHeader('content-security-policy', policy)
  response.writeHead(200, { 'content-type': 'text/html;charset=utf-8' })
  response.end(
    request.method === 'HEAD'
      ? undefined
      : page.replaceAll('"/assets/', `"${base}/assets/`).replace('</head>', () => `${data}</head>`),
  )
}

/** An element with a value as JSON. Within JSON, "<" occurs in texts alone. */
function dataElement(id: string, value: object): string {
  return `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`
}

function setHeaders(response: ServerResponse, path: string): void {
  const isPage = path.endsWith('.html')
  // Other files have a hash of their content in their name. The page, the worker and the script of the first screen name
  // those files, so browsers must ask for these three each time.
  const isFresh = isPage || path.endsWith(SERVICE_WORKER) || path.endsWith(FIRST_SCREEN)
  response.setHeader('cache-control', isFresh ? 'no-cache' : 'public, max-age=31536000, immutable')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
}
