/** Bytes of the length that stands before an origin. */
const LENGTH_BYTES = 4

/** The body of an `origin` message: the length of the log's beginning (u32), the beginning, and the first record. */
export function joinOrigin(origin: Uint8Array, record: Uint8Array): Uint8Array {
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32BE(origin.byteLength)
  return Buffer.concat([length, origin, record])
}

/** Undoes {@link joinOrigin}; undefined if the body is too short. */
export function splitOrigin(body: Uint8Array): { origin: Uint8Array; record: Uint8Array } | undefined {
  if (body.byteLength < LENGTH_BYTES) return undefined
  const end = LENGTH_BYTES + new DataView(body.buffer, body.byteOffset).getUint32(0)
  if (end > body.byteLength) return undefined
  return { origin: body.subarray(LENGTH_BYTES, end), record: body.subarray(end) }
}
