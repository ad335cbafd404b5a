import { Sha256 } from '@joinery/blocks'
import { throwIfAborted } from '../abort.ts'

/** Bytes that are read at once: the page has its turn after each. */
const SLICE_BYTES = 1024 ** 2
/** Files up to this size are digested by the platform, which is faster and needs them whole. */
const WHOLE_BYTES_MAX = 32 * 1024 ** 2

/** SHA-256 of a file, as 64 hexadecimal digits. Rejects with the platform's error if the file can't be read any more. */
export async function hashFile(file: Blob, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  // A page that was loaded without TLS has no `subtle`.
  const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto }
  if (file.size <= WHOLE_BYTES_MAX && subtle !== undefined)
    return hexOf(new Uint8Array(await subtle.digest('SHA-256', await file.arrayBuffer())))
  const hash = new Sha256()
  for (let at = 0; at < file.size; at += SLICE_BYTES) {
    throwIfAborted(signal)
    const slice = new Uint8Array(await file.slice(at, at + SLICE_BYTES).arrayBuffer())
    hash.update(slice)
    onBytes(at + slice.length)
  }
  return hexOf(hash.digest())
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
