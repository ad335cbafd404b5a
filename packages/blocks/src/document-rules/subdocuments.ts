import type * as Y from 'yjs'
import { type BlocksRefusal, refuse } from './refusal.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import type { ReadUpdate } from './update-reader.ts'

/** Refuses an update that brings subdocuments to a document which then has too many. Yjs keeps a document with tables of its own for each. */
export function checkSubdocuments({ subdocs }: Y.Doc, { structs }: ReadUpdate): BlocksRefusal | undefined {
  let brought = 0
  for (const ofClient of structs.values()) {
    for (const struct of ofClient) if (struct.kind === 'item' && struct.content.kind === 'subdocument') brought++
  }
  if (brought === 0 || subdocs.size + brought <= UPDATE_LIMITS.subdocumentsMax) return undefined
  return refuse(
    'too_costly',
    `The update brings ${brought} subdocuments to the ${subdocs.size} of the document, more than ${UPDATE_LIMITS.subdocumentsMax}: keep the contents in types, or in workspaces of their own`,
  )
}
