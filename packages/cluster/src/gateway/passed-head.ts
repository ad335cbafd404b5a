import type { IncomingMessage } from 'node:http'
import { HOP_HEADER } from './hop.ts'

const FORWARDED = 'X-Forwarded-For'
/** Headers that concern one connection alone, and those that this node writes anew. */
const OWN = new Set([
  'x-joinery-hop',
  'x-forwarded-for',
  'connection',
  'keep-alive',
  'proxy-connection',
  'expect',
  'te',
])

/** The headers of a request as they are passed on, names and values in turn. */
export function passedHeaders(request: IncomingMessage, client: string, hop: string): string[] {
  const headers: string[] = []
  const { rawHeaders } = request
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    // A target in absolute form has replaced the host that the header names.
    const value = name.toLowerCase() === 'host' ? (request.headers.host ?? '') : (rawHeaders[at + 1] ?? '')
    if (!OWN.has(name.toLowerCase())) headers.push(name, value)
  }
  const before = request.headers['x-forwarded-for']
  headers.push(FORWARDED, before === undefined ? client : `${String(before)}, ${client}`, HOP_HEADER, hop)
  return headers
}

/** The bytes that begin a passed upgrade. */
export function upgradeHead(request: IncomingMessage, headers: readonly string[]): string {
  const lines = [`${request.method} ${request.url} HTTP/1.1`, 'Connection: Upgrade']
  for (let at = 0; at + 1 < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
