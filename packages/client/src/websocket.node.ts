import { WebSocket } from 'ws'

/** In Node: `ws`, which reports close codes and can end a socket at once. Its type differs from the DOM's in what the SDK does not use. */
export const WebSocketImplementation = WebSocket as unknown as typeof globalThis.WebSocket
