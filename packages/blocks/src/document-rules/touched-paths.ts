import * as Y from 'yjs'
import { locateChange } from '../change-location.ts'
import { blocksMap } from '../workspace-blocks.ts'

/**
 * `b1` for a block created, replaced or deleted, with the parts that came with something in them; `b1/content` for what
 * was edited in it; `edges/e1`; other roots by name.
 */
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
      if (location.at === 'blocks') for (const id of location.keys) addFilledParts(paths, transaction.doc, id)
    }
  }
  return [...paths]
}

/** Yjs lists no change inside a type that is new itself. */
function addFilledParts(paths: Set<string>, doc: Y.Doc, id: string | null): void {
  const block = id === null ? undefined : blocksMap(doc).get(id)
  if (!(block instanceof Y.Map)) return
  for (const [part, value] of block.entries()) {
    const isFilled =
      value instanceof Y.Map
        ? value.size > 0
        : (value instanceof Y.Text || value instanceof Y.Array) && value.length > 0
    if (isFilled) paths.add(`${id}/${part}`)
  }
}
