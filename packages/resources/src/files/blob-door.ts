import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { codeOf } from './disk-files.ts'
import { BLOBS, type DiskStore, HERE } from './disk-store.ts'
import { FileError, type FileErrorCode } from './file-error.ts'
import { downloadHeaders } from './shown-type.ts'
import type { Grant } from './tickets.ts'

const STATUS: Partial<Record<FileErrorCode, number>> = {
  bad_ticket: 403,
  unknown_upload: 404,
  unknown_file: 404,
  wrong_length: 400,
  store_full: 507,
}
/** A connection that sends nothing of a part for so long is ended, ms. */
const SILENT_MS = 60_000

/**
 * Answers the signed URLs of a {@link DiskStore}. They are the whole right, so that no cookie and no header is read. Returns false for
 * any other path.
 */
export function createBlobDoor(store: DiskStore, onError: (error: unknown) => void) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    if (!path.startsWith(BLOBS)) return false
    answer(store, path.slice(BLOBS.length), request, response).catch((error: unknown) => {
      if (!(error instanceof FileError) && !isGone(error)) onError(error)
      refuse(request, response, error)
    })
    return true
  }
}

async function answer(
  store: DiskStore,
  ticket: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // The URL holds the right, and the browser sends no cookie: pages of any origin may use one that they were given.
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-expose-headers', 'retry-after')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
  if (request.method === 'OPTIONS') {
    response.setHeader('access-control-allow-methods', 'GET, HEAD, PUT')
    response.setHeader('access-control-allow-headers', 'content-type, range')
    response.setHeader('access-control-max-age', '600')
    response.writeHead(204).end()
    return
  }
  const isOfPeer = ticket.startsWith(HERE)
  const grant = store.grantOf(isOfPeer ? ticket.slice(HERE.length) : ticket)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (grant.op === 'put' ? request.method !== 'PUT' : !isRead) {
    response.setHeader('allow', grant.op === 'put' ? 'PUT' : 'GET, HEAD')
    say(response, 405, 'method_not_allowed', `this URL is for ${grant.op === 'put' ? 'PUT' : 'GET'} alone`)
    return
  }
  if (grant.op === 'put') await takePart(store, grant, request, response)
  else await sendFile(store, grant, request, response, isOfPeer)
}

async function takePart(
  store: DiskStore,
  grant: Extract<Grant, { op: 'put' }>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const length = request.headers['content-length']
  // A part that is too long is refused before its bytes come.
  if (length !== undefined && Number(length) !== grant.bytes)
    throw new FileError('wrong_length', `the part must have ${grant.bytes} bytes, and Content-Length is ${length}`)
  request.setTimeout(SILENT_MS, () => request.destroy())
  await store.take(grant, request)
  response.writeHead(204, { 'cache-control': 'no-store' }).end()
}

async function sendFile(
  store: DiskStore,
  grant: Extract<Grant, { op: 'get' }>,
  request: IncomingMessage,
  response: ServerResponse,
  isOfPeer: boolean,
): Promise<void> {
  const path = store.pathOf(grant)
  // One that asks for another process's file is not sent on.
  if (!isOfPeer) await store.has(grant)
  const found = await stat(path).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' ? new FileError('unknown_file', 'the file is not there any more') : error
  })
  const { contentType, contentDisposition } = downloadHeaders(grant)
  response.setHeader('content-type', contentType)
  response.setHeader('content-disposition', contentDisposition)
  response.setHeader('content-security-policy', "sandbox; default-src 'none'")
  response.setHeader('cross-origin-resource-policy', 'cross-origin')
  response.setHeader('accept-ranges', 'bytes')
  response.setHeader('etag', `"${grant.sha256}"`)
  response.setHeader('cache-control', 'private, max-age=600')
  if (request.headers['if-none-match'] === `"${grant.sha256}"`) {
    response.writeHead(304).end()
    return
  }
  const range = rangeOf(request.headers.range, found.size)
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${found.size}` }).end()
    return
  }
  const { start, end } = range ?? { start: 0, end: found.size - 1 }
  const headers = {
    'content-length': end - start + 1,
    ...(range !== undefined && { 'content-range': `bytes ${start}-${end}/${found.size}` }),
  }
  response.writeHead(range === undefined ? 200 : 206, headers)
  if (request.method === 'HEAD' || found.size === 0) {
    response.end()
    return
  }
  await pipeline(store.paid(grant.scope, createReadStream(path, { start, end })), response)
}

/** The one range that a player asks for. Several ranges, and other units, get the whole file, as RFC 9110 allows. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === undefined || (first === '' && last === '')) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start > end || start >= size ? 'unsatisfiable' : { start, end }
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { code, message } =
    error instanceof FileError
      ? error
      : { code: 'internal' as const, message: 'the server failed: its log holds the cause' }
  // The rest of a body that is refused is not read.
  if (!request.complete) response.setHeader('connection', 'close')
  if (code === 'store_full') response.setHeader('retry-after', '10')
  say(response, code === 'internal' ? 500 : (STATUS[code] ?? 400), code, message)
}

function say(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ error: { code, message } })
  response.removeHeader('content-disposition')
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(body)
}

/** Whether the other side has ended the connection. */
function isGone(error: unknown): boolean {
  return ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'EPIPE'].includes(String(codeOf(error)))
}
