import { WebSocket } from 'ws'
import { WebsocketProvider as Provider3 } from 'y-websocket'
import { WebsocketProvider as Provider2 } from 'y-websocket-2'
import { WebsocketProvider as Provider30 } from 'y-websocket-3.0'
import * as Y from 'yjs'

/** The versions of the stock client that are in use: they reconnect, and take a close, in different ways. */
export const STOCK_VERSIONS = ['2.1', '3.0', '3.1'] as const
export type StockVersion = (typeof STOCK_VERSIONS)[number]

/** 3.1 has all of 2.1's events and one more (`closed`), so 2.1's type fits both. */
export type StockProvider = Provider2
const PROVIDERS: Readonly<Record<StockVersion, typeof Provider2>> = {
  '2.1': Provider2,
  '3.0': Provider30 as unknown as typeof Provider2,
  '3.1': Provider3 as unknown as typeof Provider2,
}

export interface StockClient extends Disposable {
  readonly doc: Y.Doc
  readonly provider: StockProvider
}

export interface StockOptions {
  readonly version: StockVersion
  readonly url: string
  readonly workspace: string
  readonly params?: Record<string, string>
  readonly doc?: Y.Doc
}

/** Every provider listens for this process's exit; tests hold more than Node's warning allows for. */
process.setMaxListeners(200)

/**
 * A stock y-websocket client, unchanged. Only its channel between tabs of one browser is off: it would let two clients of
 * one process sync past the server.
 */
export function connectStock({ version, url, workspace, params = {}, doc = new Y.Doc() }: StockOptions): StockClient {
  const options = {
    params,
    disableBc: true,
    // `ws` has all of a browser socket that the provider uses, but not all of its type.
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
  }
  const provider = new PROVIDERS[version](url, workspace, doc, options)
  return {
    doc,
    provider,
    [Symbol.dispose]() {
      provider.destroy()
      provider.awareness.destroy()
      doc.destroy()
    },
  }
}

/** Resolves when the server has told the client that it is in sync. */
export function whenSynced({ provider }: StockClient): Promise<void> {
  if (provider.synced) return Promise.resolve()
  return new Promise((resolve) => {
    const onSync = (isSynced: boolean) => {
      if (!isSynced) return
      provider.off('sync', onSync)
      resolve()
    }
    provider.on('sync', onSync)
  })
}
