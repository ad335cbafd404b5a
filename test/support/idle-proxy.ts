import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'

/** A proxy of bytes that cuts silent connections, as load balancers do. */
export interface IdleProxy extends AsyncDisposable {
  readonly url: string
  /** Connections taken so far. */
  readonly connections: number
  /** Connections cut for their silence so far. */
  readonly cuts: number
  /** Chunks of bytes relayed so far, both ways. */
  readonly chunks: number
}

/** Starts one on a free port before `port`. It cuts a connection when neither side has sent anything for `idleMs`, `cutsMax` times in all. */
export async function startIdleProxy(
  port: number,
  idleMs: number,
  cutsMax = Number.POSITIVE_INFINITY,
): Promise<IdleProxy> {
  const counts = { connections: 0, cuts: 0, chunks: 0 }
  const open = new Set<Socket>()
  const server = createServer((client) => {
    counts.connections++
    const upstream = connect(port, '127.0.0.1')
    const sockets = [client, upstream]
    const end = (): void => {
      clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
    }
    const cut = (): void => {
      if (counts.cuts === cutsMax) return
      counts.cuts++
      end()
    }
    let relayed = 0
    // After a process stood still, its timers come before its sockets: bytes that wait in a socket are read first.
    const cutUnlessHeard = async (): Promise<void> => {
      const before = relayed
      for (let turn = 0; turn < 3; turn++) await setImmediate()
      if (relayed === before && !client.destroyed) cut()
    }
    const onSilence = (): void => void cutUnlessHeard()
    let timer = setTimeout(onSilence, idleMs)
    const relay = (from: Socket, to: Socket): void => {
      open.add(from)
      from.on('close', () => {
        open.delete(from)
        end()
      })
      from.on('error', end)
      from.on('data', (chunk) => {
        counts.chunks++
        relayed++
        clearTimeout(timer)
        timer = setTimeout(onSilence, idleMs)
        to.write(chunk)
      })
    }
    relay(client, upstream)
    relay(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return counts.connections
    },
    get cuts() {
      return counts.cuts
    },
    get chunks() {
      return counts.chunks
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
