/** First byte of an unfragmented binary message: FIN and opcode 2 (RFC 6455, 5.2). */
const FIN_BINARY = 0x82
const NOTHING = new Uint8Array(0)

/**
 * Frames one binary WebSocket message as a server sends it: unmasked, unfragmented, uncompressed. A fan-out calls this
 * once and sends the same bytes to every receiver, while `ws` would build a header for each. The message begins with
 * `head`.
 */
export function encodeBinaryMessage(payload: Uint8Array, head: Uint8Array = NOTHING): Uint8Array {
  const length = head.length + payload.length
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(headerBytes + length)
  bytes[0] = FIN_BINARY
  if (headerBytes === 2) {
    bytes[1] = length
  } else if (headerBytes === 4) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeUInt32BE(Math.floor(length / 0x1_0000_0000), 2)
    bytes.writeUInt32BE(length >>> 0, 6)
  }
  bytes.set(head, headerBytes)
  bytes.set(payload, headerBytes + head.length)
  return bytes
}
