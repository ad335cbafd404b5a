import type { IncomingMessage, Server } from 'node:http'

/** Has `http` take requests and sockets below `base` as without it. Other paths stay: many proxies remove the base themselves. */
export function takeBelow(http: Server, base: string): void {
  if (base === '') return
  const strip = (request: IncomingMessage): void => {
    const { url = '/' } = request
    if (url === base || url.startsWith(`${base}?`)) request.url = `/${url.slice(base.length)}`
    else if (url.startsWith(`${base}/`)) request.url = url.slice(base.length)
  }
  http.on('request', strip)
  http.on('upgrade', strip)
}
