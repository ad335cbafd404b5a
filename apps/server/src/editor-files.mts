import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { AppError } from './app-error.mts'

const EDITOR = fileURLToPath(new URL('../../editor/', import.meta.url))
const DIST = join(EDITOR, 'dist')

/** The editor's own files and the server it came from, nothing else. `'self'` covers the socket of the same host and port. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Builds the editor unless it is built. Rejects with {@link AppError} `start` and the end of what the build said. */
export async function ensureEditorBuilt(): Promise<void> {
  if (existsSync(join(DIST, 'index.html'))) return
  const vite = join(EDITOR, 'node_modules/vite/bin/vite.js')
  const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: EDITOR, stdio: 'pipe' })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000)
    })
  }
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'ended'))
  })
  if (code !== 0) throw new AppError('start', `the editor could not be built (${code}): ${said.trim()}`)
}

/** Answers `/w/<workspace>` with the editor's page and `/assets/` with its files. Builds the editor for the first who asks. */
export function createEditorFiles() {
  let opening: Promise<ReturnType<typeof sirv>> | undefined
  const open = async (): Promise<ReturnType<typeof sirv>> => {
    await ensureEditorBuilt()
    return sirv(DIST, { etag: true, setHeaders })
  }
  return {
    /** True if the request was for the editor and is answered. */
    handle(request: IncomingMessage, response: ServerResponse): boolean {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
      const isPage = path.startsWith('/w/') && path.length > 3
      if (!isPage && !path.startsWith('/assets/')) return false
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain' }).end('only GET and HEAD here\n')
        return true
      }
      if (isPage) request.url = '/index.html'
      opening ??= open()
      opening.then(
        (serve) =>
          serve(request, response, () => {
            response.writeHead(404, { 'content-type': 'text/plain' }).end('the editor has no such file\n')
          }),
        (error: unknown) => {
          // Whoever asks next tries again: the first may have come before the packages were installed.
          opening = undefined
          response.writeHead(503, { 'content-type': 'text/plain' })
          response.end(`${error instanceof AppError ? error.message : 'the editor could not be built'}\n`)
        },
      )
      return true
    },
  }
}

function setHeaders(response: ServerResponse, path: string): void {
  const isPage = path.endsWith('.html')
  // Files are named by a hash of what they hold; the page names them, so it must be asked for each time.
  response.setHeader('cache-control', isPage ? 'no-cache' : 'public, max-age=31536000, immutable')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
  if (isPage) response.setHeader('content-security-policy', POLICY)
}
