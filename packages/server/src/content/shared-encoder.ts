import * as encoding from 'lib0/encoding'

/** Size of the shared encoder, bytes: many times a unit of an update. */
const ENCODER_BYTES = 4_096

let shared = newEncoder()

/**
 * The bytes that `write` writes. All callers share one encoder: thousands of small parts would make an array outside of V8's heap each.
 * `write` must not encode anything in this way itself.
 */
export function encodeShared(write: (encoder: encoding.Encoder) => void): Uint8Array {
  if (shared.bufs.length > 0) shared = newEncoder()
  shared.cpos = 0
  write(shared)
  const { bufs, cbuf, cpos } = shared
  if (bufs.length === 0) return cbuf.slice(0, cpos)
  const bytes = encoding.toUint8Array(shared)
  shared = newEncoder()
  return bytes
}

function newEncoder(): encoding.Encoder {
  const made = encoding.createEncoder()
  made.cbuf = new Uint8Array(ENCODER_BYTES)
  return made
}
