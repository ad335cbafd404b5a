import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from './app-error.mts'
import { type BuiltEditor, type BuiltFile, readBuiltEditor } from './built-editor.mts'
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

export interface EditorFilesOptions {
  /** Tables of the application's own machines: the page holds them as data, so that it shows their statuses. */
  readonly machines: readonly object[]
  /** Settings of the page, which holds them as data. */
  readonly page?: PageConfig
  /** Origin of a store of files that is not this server. */
  readonly filesOrigin?: string | undefined
  /** Builds the editor where that is needed, and reads it. */
  readonly read?: () => Promise<BuiltEditor>
}

/**
 * Serves the editor: its page at `/w/<workspace>`, its files at `/assets/`, and its service worker. The first request
 * builds and reads the editor.
 */
export function createEditorFiles(options: EditorFilesOptions) {
  const { machines, page: config = PLAIN_PAGE, filesOrigin, read = readNewest } = options
  const policy = policyFor(config, filesOrigin)
  let reading: Promise<BuiltEditor> | undefined
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
      reading ??= read()
      reading.then(
        ({ page, files }) => {
          if (isPage) return sendPage(request, response, page, machines, config, policy)
          const file = files.get(path)
          if (file !== undefined) return sendFile(request, response, path, file)
          response.writeHead(404, { 'content-type': 'text/plain' }).end('the editor has no such file\n')
        },
        (error: unknown) => {
          // The next request tries again: this one may have come before the packages were installed.
          reading = undefined
          response.writeHead(503, { 'content-type': 'text/plain' })
          response.end(`${error instanceof AppError ? error.message : 'the editor could not be built'}\n`)
        },
      )
      return true
    },
  }
}

async function readNewest(): Promise<BuiltEditor> {
  await ensureEditorBuilt()
  return readBuiltEditor(EDITOR_DIST)
}

/** Sends the page with the tables and settings as JSON, which a browser does not run as a script. */
function sendPage(
  request: IncomingMessage,
  response: ServerResponse,
  page: string,
  machines: readonly object[],
  config: PageConfig,
  policy: string,
): void {
  const base = baseOf(request, config)
  const { login, tokenOrigins } = config
  const data =
    dataElement('machines', machines) +
    dataElement('keys', { login, tokenOrigins }) +
    `<meta name="joinery-base" content="${base}">`
  setHeaders(response, true)
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

function sendFile(request: IncomingMessage, response: ServerResponse, path: string, file: BuiltFile): void {
  // Other files have a hash of their content in their name. The worker and the script of the first screen name those files, as
  // the page does, so browsers must ask for these three each time.
  setHeaders(response, path === SERVICE_WORKER || path === FIRST_SCREEN)
  const isGzipped = takesGzip(request.headers['accept-encoding'])
  const body = isGzipped ? file.gzipped : file.bytes
  response.setHeader('vary', 'accept-encoding')
  // The tag of what is compressed is weak, as that of a proxy that compresses.
  response.setHeader('etag', isGzipped ? `W/${file.etag}` : file.etag)
  if (isGzipped) response.setHeader('content-encoding', 'gzip')
  const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(file.etag)) return void response.writeHead(304).end()
  response.writeHead(200, { 'content-type': file.type, 'content-length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** Whether a header Accept-Encoding names gzip, with a quality above 0. */
function takesGzip(accepted: string | undefined): boolean {
  return (accepted ?? '').split(',').some((each) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(each))
}

function setHeaders(response: ServerResponse, isFresh: boolean): void {
  response.setHeader('cache-control', isFresh ? 'no-cache' : 'public, max-age=31536000, immutable')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
}
