import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, type ChildOptions, startReadyChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import type { WireName } from './load/wire.ts'

export const PEER_NAMES = ['joinery', 'relay', 'finished', 'stored', 'y-websocket', 'hocuspocus'] as const
export type PeerName = (typeof PEER_NAMES)[number]

/** One server under measurement, and how a client speaks to it. */
export interface Peer {
  readonly title: string
  readonly wire: WireName
  /** False for the relay: a client that joins later is told nothing. */
  readonly keepsDocuments: boolean
  /** The arguments and environment of the Node process that serves on a loopback port and keeps its data in `directory`. */
  command(port: number, directory: string): ChildOptions
  /** The line that the server prints once it serves. */
  readonly ready: RegExp
}

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const require = createRequire(import.meta.url)

/** The y-websocket server's start file is in no `exports` entry, so it is found from the package.json, which is. */
function yWebsocketServer(): string {
  return join(require.resolve('@y/websocket-server/package.json'), '..', 'src', 'server.js')
}

export const PEERS: Readonly<Record<PeerName, Peer>> = {
  joinery: {
    title: 'Joinery',
    wire: 'yjs',
    keepsDocuments: true,
    command: (port, directory) => ({
      args: [
        local('../../apps/server/src/main.ts'),
        ...['serve', '--port', String(port), '--data', directory, '--durability', 'async'],
      ],
    }),
    ready: /listening/,
  },
  relay: {
    title: 'ws relay',
    wire: 'yjs',
    keepsDocuments: false,
    command: (port) => ({ args: [local('peers/relay.ts'), String(port)] }),
    ready: /listening/,
  },
  finished: {
    title: 'finished bytes',
    wire: 'yjs',
    keepsDocuments: true,
    command: (port, directory) => ({ args: [local('peers/finished.ts'), String(port), directory] }),
    ready: /listening/,
  },
  stored: {
    title: 'stored bytes',
    wire: 'yjs',
    keepsDocuments: true,
    command: (port, directory) => ({ args: [local('peers/stored.ts'), String(port), directory] }),
    ready: /listening/,
  },
  'y-websocket': {
    title: 'y-websocket-server',
    wire: 'yjs',
    keepsDocuments: true,
    command: (port, directory) => ({
      args: [yWebsocketServer()],
      env: { HOST: '127.0.0.1', PORT: String(port), YPERSISTENCE: directory },
    }),
    ready: /running at/,
  },
  hocuspocus: {
    title: 'Hocuspocus',
    wire: 'hocuspocus',
    keepsDocuments: true,
    command: (port, directory) => ({ args: [local('peers/hocuspocus.ts'), String(port), directory] }),
    ready: /listening/,
  },
}

/** A peer that serves. The caller ends it by `child.end`. */
export interface RunningPeer {
  readonly child: Child
  readonly url: string
}

/**
 * Starts a peer on a free loopback port, its Node with `nodeArgs` before all else. Rejects with what it printed if it does
 * not come up.
 */
export async function startPeer(peer: Peer, directory: string, nodeArgs: readonly string[]): Promise<RunningPeer> {
  const port = await freePort()
  await mkdir(directory, { recursive: true })
  const command = peer.command(port, directory)
  const child = await startReadyChild({ ...command, args: [...nodeArgs, ...command.args] }, peer.ready)
  return { child, url: `ws://127.0.0.1:${port}` }
}
