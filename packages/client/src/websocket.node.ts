import { WebSocket } from 'ws'

/** In Node: `ws`, which reports close codes and can cut a socket. Its type differs from the DOM's only in parts that the SDK does not use. */
export const WebSocketImplementation = WebSocket as unknown as typeof globalThis.WebSocket
