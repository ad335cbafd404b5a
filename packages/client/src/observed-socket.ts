import { decodeFrame } from '@joinery/protocol'

/** What is told about the sockets of one provider. */
export interface SocketObserver {
  /** Asked before an update frame goes out; false keeps it back. `kind` and `update` are what the frame holds. */
  willSend(kind: 'syncStep2' | 'update', update: Uint8Array): boolean
  /** A socket was made. */
  created(socket: WebSocket): void
}

/**
 * A WebSocket class for y-websocket's `WebSocketPolyfill` that shows its outgoing update frames to `observer`. This is the one
 * place where they can be counted as the server counts them: per connection, in order, the answer to SyncStep1 included.
 */
export function observedSocket(Base: typeof WebSocket, observer: SocketObserver): typeof WebSocket {
  return class ObservedSocket extends Base {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      observer.created(this)
    }

    override send(data: string | Blob | BufferSource): void {
      if (data instanceof Uint8Array && isUpdateFrame(data)) {
        const frame = decodeFrame(data)
        if (frame.type !== 'syncStep2' && frame.type !== 'update') return
        if (!observer.willSend(frame.type, frame.update)) return
      }
      super.send(data)
    }
  }
}

/** Message 0 (sync), step 1 (answer) or 2 (update). Awareness frames come often and are not worth decoding. */
function isUpdateFrame(data: Uint8Array): boolean {
  return data[0] === 0 && (data[1] === 1 || data[1] === 2)
}
