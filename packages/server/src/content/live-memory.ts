import type * as Y from 'yjs'
import { RoomDocument } from './room-document.ts'
import type { Loaded } from './room-loader.ts'

/** Memory of a struct, with what belongs to it: blocks take some 500 bytes for each of their structs. */
const STRUCT_BYTES = 500
/** Memory of each byte of its state and records, beside its structs. */
const PER_BYTE_OF_CONTENT = 2

/** Memory that the document of a room takes, bytes, by estimate; 0 while the room serves bytes. */
export function memoryOf(loaded: Loaded | undefined): number {
  if (!(loaded?.content instanceof RoomDocument)) return 0
  const { content, log } = loaded
  const stateBytes = content.stateBytes + log.sinceSnapshot.bytes
  // An empty workspace has no document yet.
  return log.head === 0 ? 0 : structsIn(content.doc) * STRUCT_BYTES + stateBytes * PER_BYTE_OF_CONTENT
}

export function structsIn({ store }: Y.Doc): number {
  let count = 0
  for (const structs of store.clients.values()) count += structs.length
  return count
}
