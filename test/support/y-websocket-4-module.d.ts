/** The package declares its types where they are not. Only what the tests use stands here. */
declare module '@y/websocket' {
  import type { Doc } from '@y/y'

  interface Awareness {
    getStates(): Map<number, { readonly [name: string]: unknown }>
    setLocalStateField(name: string, value: unknown): void
    destroy(): void
  }

  export class WebsocketProvider {
    constructor(
      url: string,
      room: string,
      doc: Doc,
      options: {
        readonly params: Record<string, string>
        readonly disableBc: boolean
        readonly WebSocketPolyfill: typeof globalThis.WebSocket
      },
    )
    readonly awareness: Awareness
    params: Record<string, string>
    readonly synced: boolean
    readonly wsconnected: boolean
    on(event: 'connection-close', listener: (event: { readonly code: number } | null) => void): void
    connect(): void
    disconnect(): void
    destroy(): void
  }
}
