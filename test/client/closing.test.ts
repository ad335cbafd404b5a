import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { connectWorkspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { startChild } from '../support/child-process.ts'
import { until, within } from '../support/until.ts'
import { closing, connect, startServer, textOf, whenState } from './fixture.ts'

/** A WebSocket server that is not Joinery. The test decides how it treats a connection. */
async function startOther(): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  closing({
    close: async () => {
      for (const socket of server.clients) socket.terminate()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  })
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('closing', () => {
  it('[C37] what waits rejects with closed, and nothing is called saved, when the workspace is closed', async () => {
    const ada = closing(connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w' }))
    textOf(ada)
    await ada.whenLoaded
    const durable = expect(ada.whenDurable()).rejects.toMatchObject({ code: 'closed' })
    const synced = expect(ada.whenSynced).rejects.toMatchObject({ code: 'closed' })
    await ada.close()
    await Promise.all([durable, synced])
    expect(ada.saveStatus.get()).toMatchObject({ state: 'offline', cause: 'closed', pending: 1 })
    await ada.close()
    await expect(ada.whenDurable()).rejects.toMatchObject({ code: 'closed' })
  })

  it('[C37] close resolves when the socket is closed, and await using closes', async () => {
    const server = await startServer({ limits: { drainMs: 60_000 } })
    {
      await using ada = connectWorkspace({ url: server.url, workspace: 'w' })
      await whenState(ada, 'saved')
    }
    await within('the server has nobody to wait for', server.close())
  })

  it('[C38] close resolves when the server does not answer the close frame', async () => {
    const { server: hung, url } = await startOther()
    let isConnected = false
    hung.on('connection', (socket) => {
      isConnected = true
      socket.pause()
    })
    const ada = connect({ url })
    await until('it is connected', () => isConnected)
    await ada.close()
  })

  it.each(['connected', 'unreachable', 'refused', 'given up'])(
    '[C39, C53] a Node process ends by itself when its workspace was closed while %s',
    async (situation) => {
      const server = await startServer()
      const url = situation === 'unreachable' ? 'ws://127.0.0.1:9' : server.url
      const script = fileURLToPath(new URL('./closing-process.ts', import.meta.url))
      const child = startChild({ args: [script, url, situation] })
      const exit = await within('the process ends', child.exited)
      expect(child.output()).toBe('closed\n')
      expect(exit).toEqual({ code: 0, signal: null })
    },
  )

  it('[C40] an unreadable frame ends the connection and not the process', async () => {
    const { server: broken, url } = await startOther()
    broken.on('connection', (socket) => socket.send(Uint8Array.of(0, 1, 200)))
    const ada = connect({ url })
    await until('it says why', () => {
      const status = ada.saveStatus.get()
      return status.state === 'offline' && (status.reason?.includes('unreadable') ?? false)
    })
  })
})
