import http from 'node:http'
import type { Socket } from 'node:net'
import tls from 'node:tls'
import { ResourceError } from '../resource-error.ts'

/** Reads the address of a proxy. Throws `misconfigured` ({@link ResourceError}), which does not repeat it: it may have a password. */
export function proxyOf(text: string): URL {
  const url = URL.parse(text)
  const isProxy = url !== null && url.protocol === 'http:' && url.pathname === '/' && url.search + url.hash === ''
  if (isProxy) return url
  throw new ResourceError(
    'misconfigured',
    'the egress proxy must be http://host:port or http://name:password@host:port',
  )
}

/**
 * A connection to the host of `url` through the proxy, with TLS for `https:`. Rejects with `unavailable` ({@link ResourceError}) if the proxy
 * does not make it within `ms`, and with the reason of `signal`.
 */
export async function connectThrough(proxy: URL, url: URL, ms: number, signal: AbortSignal): Promise<Socket> {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  const target = `${url.hostname}:${port}`
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const call = http.request({
    ...{ host: proxy.hostname, port: proxy.port === '' ? 80 : Number(proxy.port), signal, agent: false },
    ...{ method: 'CONNECT', path: target, timeout: ms },
    headers: { host: target, ...(proxy.username !== '' && { 'proxy-authorization': authorization }) },
  })
  const fail = (why: string): void => {
    call.destroy()
    reject(new ResourceError('unavailable', `the egress proxy ${why}`))
  }
  call.once('connect', (answer, socket) => {
    if (answer.statusCode === 200) return resolve(socket)
    socket.destroy()
    fail(`answered ${answer.statusCode} for ${target}`)
  })
  call.once('response', (answer) => fail(`answered ${answer.statusCode} for ${target}`))
  call.once('timeout', () => fail(`took no connection within ${ms} ms`))
  call.once('error', (error: NodeJS.ErrnoException) => {
    if (signal.aborted) reject(signal.reason)
    else fail(`could not be reached: ${error.code ?? error.message}`)
  })
  call.end()
  const socket = await promise
  return url.protocol === 'https:' ? tls.connect({ socket, servername: url.hostname }) : socket
}
