/** In browsers: the browser's own WebSocket. */
export const WebSocketImplementation = globalThis.WebSocket
