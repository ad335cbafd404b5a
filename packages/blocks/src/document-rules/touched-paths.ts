import type * as Y from 'yjs'
import { locateChange } from '../change-location.ts'

/** `b1` for a block created, replaced or deleted; `b1/content` for what was edited in it; `edges/e1`; other roots by name. */
export function touchedPaths(transaction: Y.Transaction): string[] {
  const paths = new Set<string>()
  for (const [type, keys] of transaction.changed) {
    const location = locateChange(transaction.doc, type, keys)
    if (location === undefined) continue
    if (location.at === 'part') paths.add(`${location.blockId}/${location.part}`)
    else if (location.at === 'other') paths.add(location.root)
    else {
      const prefix = location.at === 'block' ? `${location.blockId}/` : location.at === 'edges' ? 'edges/' : ''
      for (const key of location.keys) if (key !== null) paths.add(prefix + key)
    }
  }
  return [...paths]
}
