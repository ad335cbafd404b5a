import type { WorkspaceLog } from '@joinery/log'
import type * as Y from 'yjs'
import { RoomDocument } from './room-document.ts'
import { ValueMemory } from './value-memory.ts'

/** Memory of a struct, with what belongs to it: blocks take some 500 bytes for each of their structs. */
const STRUCT_BYTES = 500
/** Memory of each byte of its state and records, beside its structs and values. */
const PER_BYTE_OF_CONTENT = 2

const valuesOf = new WeakMap<RoomDocument, ValueMemory>()

/** Memory that a document takes, bytes, by estimate. `log` is the one that it was built from. */
export function memoryOfDocument(document: RoomDocument, log: WorkspaceLog): number {
  // An empty workspace has no document yet.
  if (log.head === 0) return 0
  const values = valuesOf.get(document) ?? new ValueMemory()
  valuesOf.set(document, values)
  const contentBytes = document.stateBytes + log.sinceSnapshot.bytes
  return structsIn(document.doc) * STRUCT_BYTES + contentBytes * PER_BYTE_OF_CONTENT + values.look(document.doc)
}

/** Memory that the document of a room takes, bytes, by estimate; 0 while the room serves bytes. */
export function memoryOf(loaded: { readonly content: object; readonly log: WorkspaceLog } | undefined): number {
  return loaded?.content instanceof RoomDocument ? memoryOfDocument(loaded.content, loaded.log) : 0
}

export function structsIn({ store }: Y.Doc): number {
  let count = 0
  for (const structs of store.clients.values()) count += structs.length
  return count
}
