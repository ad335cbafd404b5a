import type * as Y from 'yjs'
import { type BlocksRefusal, refuse } from './refusal.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import type { ReadUpdate } from './update-reader.ts'

/** Refuses an update that brings new root types to a document which then has too many. Yjs never forgets the name of one. */
export function checkRootNames({ share }: Y.Doc, { structs }: ReadUpdate): BlocksRefusal | undefined {
  const fresh = new Set<string>()
  for (const ofClient of structs.values()) {
    for (const struct of ofClient) {
      if (struct.kind === 'item' && typeof struct.parent === 'string' && !share.has(struct.parent))
        fresh.add(struct.parent)
    }
  }
  if (fresh.size === 0 || share.size + fresh.size <= UPDATE_LIMITS.rootsMax) return undefined
  return refuse(
    'too_costly',
    `The update brings ${fresh.size} root types to the ${share.size} of the document, more than ${UPDATE_LIMITS.rootsMax}: keep the contents in one map`,
  )
}
