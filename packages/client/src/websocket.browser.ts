/** In browsers: their own. */
export const WebSocketImplementation = globalThis.WebSocket
