import * as Y from 'yjs'
import type { ClaimList } from './claim-list.ts'
import { listsIn } from './claim-lists.ts'
import { DocViews } from './claim-views.ts'
import { getBlock, listBlocks } from './workspace-blocks.ts'

/** Origin of the transaction that prunes. A program that prunes after transactions knows its own transaction by it. */
export const PRUNE_ORIGIN: object = Object.freeze({ joinery: 'prune' })

/**
 * Deletes all beaten claims in one transaction. Nothing that is shown changes. Junk stays, since others may need it. Any replica
 * may prune; in Joinery the server does, at most once after a transaction and never after its own. Returns the number of deleted
 * claims. Writes nothing when there are none.
 *
 * @param blockIds blocks to look at; all of them when left out
 * @param lists lists to look at
 */
export function pruneBeaten(
  doc: Y.Doc,
  blockIds?: Iterable<string>,
  lists: readonly ClaimList[] = listsIn(doc),
): number {
  const views = DocViews.of(doc)
  const blocks = blockIds === undefined ? listBlocks(doc) : [...new Set(blockIds)].map((id) => getBlock(doc, id))
  const beaten = blocks.flatMap((block) => {
    if (block === undefined) return []
    const { map } = block
    return lists
      .map((list) => ({ view: views.viewOf(map, list), elements: map.get(list.part) }))
      .filter(({ view }) => view.fold.lost.length > 0)
  })
  if (beaten.length === 0) return 0
  return Y.transact(
    doc,
    (transaction) => {
      let count = 0
      for (const { view, elements } of beaten) {
        if (elements instanceof Y.Array)
          count += view.bookIn(transaction, elements).remove(view.fold.winners.keys(), true)
      }
      return count
    },
    PRUNE_ORIGIN,
  )
}
