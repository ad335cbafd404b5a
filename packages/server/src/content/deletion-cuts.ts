import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { encodeShared } from './shared-encoder.ts'
import type { Pace, Steps } from './steps.ts'

/** Ranges of one client, as their bytes. */
interface Run {
  readonly client: number
  readonly bytes: Uint8Array
  readonly count: number
}

/**
 * The steps to the deletions of a V1 update (the bytes behind its structs) in several of about `bytesMax` bytes. The bytes behind their end stay
 * with the last. Deletions of up to `bytesMax` bytes stay as they are. Throws on bytes that are no deletions.
 */
export function* cuttingDeletions(deletions: Uint8Array, bytesMax: number, pace: Pace): Steps<readonly Uint8Array[]> {
  if (deletions.length <= bytesMax) return [deletions]
  const decoder = decoding.createDecoder(deletions)
  const parts: Run[][] = []
  let part: Run[] = []
  let bytes = 0
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const client = decoding.readVarUint(decoder)
    for (let left = decoding.readVarUint(decoder); left > 0; ) {
      const from = decoder.pos
      let count = 0
      while (left > 0 && (count === 0 || bytes + decoder.pos - from < bytesMax)) {
        decoding.readVarUint(decoder)
        decoding.readVarUint(decoder)
        count++
        left--
      }
      part.push({ client, count, bytes: deletions.subarray(from, decoder.pos) })
      bytes += decoder.pos - from
      if (pace.isOver) yield
      if (bytes < bytesMax) continue
      parts.push(part)
      part = []
      bytes = 0
    }
  }
  if (part.length > 0) parts.push(part)
  const behind = deletions.subarray(decoder.pos)
  return parts.map((runs, at) => encode(runs, at === parts.length - 1 ? behind : EMPTY))
}

const EMPTY = new Uint8Array()

function encode(runs: readonly Run[], behind: Uint8Array): Uint8Array {
  return encodeShared((encoder) => {
    encoding.writeVarUint(encoder, runs.length)
    for (const { client, count, bytes } of runs) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, count)
      encoding.writeUint8Array(encoder, bytes)
    }
    encoding.writeUint8Array(encoder, behind)
  })
}
