import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { decodeFrame, type Frame } from '@joinery/protocol'
import { WebSocket, WebSocketServer } from 'ws'

/** Called with each frame that passes. A frame that it does not forward is lost. */
export type FrameGate = (frame: Frame, from: 'client' | 'server', forward: () => void) => void

/** Stands between clients and a server, and sees every frame. */
export interface FrameProxy extends AsyncDisposable {
  readonly url: string
  /** Forwards everything until a test says otherwise. */
  gate: FrameGate
}

const forwardAll: FrameGate = (_frame, _from, forward) => forward()

/** Starts a proxy on a free port before the server at `target` (`ws://host:port`). The server may stop and start. */
export async function startFrameProxy(target: string): Promise<FrameProxy> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const upstreams = new Set<WebSocket>()
  const proxy: FrameProxy = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    gate: forwardAll,
    async [Symbol.asyncDispose]() {
      for (const socket of [...server.clients, ...upstreams]) socket.terminate()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  server.on('connection', (client, request) => {
    const upstream = new WebSocket(`${target}${request.url}`)
    upstreams.add(upstream)
    const opened = once(upstream, 'open')
    // A server that is down ends the client's socket, as its kernel would.
    opened.catch(() => client.terminate())
    upstream.on('error', () => client.terminate())
    upstream.on('close', (code, reason) => {
      upstreams.delete(upstream)
      if (code === 1005 || code === 1006) client.terminate()
      else client.close(code, reason)
    })
    client.on('close', () => upstream.terminate())
    client.on('error', () => upstream.terminate())
    client.on('message', (data: Buffer) => {
      const forward = (): void => {
        if (upstream.readyState === WebSocket.OPEN) upstream.send(data)
      }
      void opened.then(
        () => proxy.gate(decodeFrame(data), 'client', forward),
        () => undefined,
      )
    })
    upstream.on('message', (data: Buffer) => {
      proxy.gate(decodeFrame(data), 'server', () => {
        if (client.readyState === WebSocket.OPEN) client.send(data)
      })
    })
  })
  return proxy
}
