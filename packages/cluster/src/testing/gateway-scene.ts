import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import type { ServerOptions } from '@joinery/server'
import { ServerFixture } from '@joinery/server/testing'
import { expect } from 'vitest'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { Gateway } from '../gateway/gateway.ts'
import { ClusterOwnership } from '../nodes/cluster-ownership.ts'
import { type NodeInfo, Nodes } from '../nodes/nodes.ts'

export const W = 'w' as WorkspaceId
export const SECRET = 'the secret of this cluster'

/** A node with a server and a gateway, and nothing on a disk. */
export interface GatewayNode {
  readonly info: NodeInfo
  readonly server: ServerFixture
  readonly gateway: Gateway
  readonly nodes: Nodes
  readonly ownership: ClusterOwnership
  /** Ends the node, and says so to the others. */
  close(): Promise<void>
}

/** Nodes of one process that share an engine in memory, each with a store of its own. */
export class GatewayScene {
  readonly engine = new MemoryEngine()
  readonly #nodes: GatewayNode[] = []
  readonly #sockets: Socket[] = []

  /** Two nodes, of which the first owns {@link W}. */
  async ownedByOne(options: ServerOptions = {}): Promise<{ one: GatewayNode; two: GatewayNode }> {
    const one = await this.node('one', options)
    const two = await this.node('two', options)
    await one.server.client('w?joinery=1').synced()
    await this.whenOwned(two, one)
    return { one, two }
  }

  /** Resolves when `node` knows whether another one, `owner`, owns {@link W}. */
  async whenOwned(node: GatewayNode, owner: GatewayNode): Promise<void> {
    const request = { headers: {} } as IncomingMessage
    await expect
      .poll(async () => {
        const route = await node.gateway.routeTo(W, request)
        route?.close()
        return route !== undefined
      })
      .toBe(node !== owner)
  }

  /** A TCP connection to a node. `heard` is everything that the node has sent. */
  open(node: GatewayNode): { readonly socket: Socket; heard: string } {
    const socket = connect({ port: Number(new URL(node.server.server.url).port), host: '127.0.0.1' })
    this.#sockets.push(socket)
    const client = { socket, heard: '' }
    socket.on('data', (bytes) => {
      client.heard += bytes.toString('latin1')
    })
    socket.on('error', () => socket.destroy())
    return client
  }

  /** A node that hears of no owner: its news from the engine are late for ever. */
  deafNode(name: string): Promise<GatewayNode> {
    const engine = this.engine.connect(name)
    return this.node(name, {}, undefined, { ...engine, meta: { ...engine.meta, watch: async () => () => undefined } })
  }

  async node(
    name: string,
    options: ServerOptions = {},
    at?: string,
    engine = this.engine.connect(name),
  ): Promise<GatewayNode> {
    const port = await freePort()
    const address = at ?? `127.0.0.1:${port}`
    const info = { node: name, session: `${name}-${port}`, address, version: '0.1.0', isDraining: false }
    const nodes = await Nodes.join({ engine, self: info })
    const ownership = await ClusterOwnership.open(engine, nodes)
    const gateway = new Gateway({ nodes, ownership, secret: SECRET, workspaceOf })
    const server = await ServerFixture.start({ ...options, port, ownership, placement: gateway })
    const node = {
      info,
      server,
      gateway,
      nodes,
      ownership,
      close: async () => {
        if (!this.#nodes.includes(node)) return
        this.#nodes.splice(this.#nodes.indexOf(node), 1)
        gateway.close()
        await server.close()
        await nodes.leave()
        ownership.close()
        await engine.close()
      },
    }
    this.#nodes.push(node)
    return node
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    for (const node of [...this.#nodes]) await node.close()
  }
}

function workspaceOf({ url = '' }: IncomingMessage): WorkspaceId | undefined {
  return parseWorkspaceName(/^\/of\/(\w+)/.exec(url)?.[1] ?? '')
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
