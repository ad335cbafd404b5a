import * as Y from 'yjs'
import { locateChange } from '../change-location.ts'
import { blocksMap } from '../workspace-blocks.ts'

/** End of the path of a block's statuses. */
const STATUSES = '/statuses'

/**
 * The paths that a transaction touched: `b1` for a block that was created, replaced or deleted, `b1/content` for an edited part,
 * `edges/e1` for an edge, and the names of other roots. A new block comes with the paths of its parts that are not empty.
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

/** Ids of the blocks whose statuses these paths of a record name. */
export function blocksWithTouchedStatuses(touched: readonly string[]): string[] {
  return touched.filter((path) => path.endsWith(STATUSES)).map((path) => path.slice(0, -STATUSES.length))
}

/** Adds the filled parts of a new block: Yjs lists no changes inside a type that is new. */
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
