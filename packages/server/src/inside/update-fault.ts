import { UPDATE_STRUCTS_MAX } from '../content/known-already.ts'
import { formatOfUpdate } from '../content/update-format.ts'

/** The fault of bytes that are to be one Yjs V1 update; undefined when they are one. */
export function faultOfBytes(update: Uint8Array): string | undefined {
  // One with more is refused for its size, and to read all of it would take seconds.
  const format = formatOfUpdate(update, UPDATE_STRUCTS_MAX)
  if (format === 'v1' || format === 'both') return undefined
  const advice = 'send Y.encodeStateAsUpdate(doc)'
  if (format === 'v2') return `the bytes are a Yjs V2 update: ${advice}, or convert them by Y.convertUpdateFormatV2ToV1`
  return `the bytes are not one whole Yjs V1 update: ${advice}`
}
