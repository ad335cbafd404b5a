import type * as Y from 'yjs'
import { DocViews } from '../claim-views.ts'
import { isFilled } from '../filled-lists.ts'
import { blockMaps } from '../workspace-blocks.ts'
import { hiddenMachines, setHiddenMachines } from './doc-machines.ts'

const PART = 'statuses'

/**
 * Shows no claims of these machines in the document, and takes none, since another replica goes by another table. The claims stay.
 * Listeners are told what shows no more, and what shows again. Returns false when these were hidden already.
 */
export function hideMachines(doc: Y.Doc, names: Iterable<string>): boolean {
  const hidden = new Set(names)
  const before = hiddenMachines(doc)
  if (hidden.size === before.size && [...hidden].every((name) => before.has(name))) return false
  setHiddenMachines(doc, hidden)
  const blocks = [...blockMaps(doc)].map(([, map]) => map).filter((map) => isFilled(map, { part: PART }))
  DocViews.of(doc).refresh(blocks.map((map) => [map, PART] as const))
  return true
}
