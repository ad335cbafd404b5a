import * as Y from 'yjs'
import type { ClaimList } from './claim-list.ts'
import { CLAIM_LISTS } from './claim-lists.ts'
import { DocViews } from './claim-views.ts'
import { getBlock, listBlocks } from './workspace-blocks.ts'

/** Origin of the transaction that prunes, so that whoever prunes after transactions can tell its own and stop. */
export const PRUNE_ORIGIN: object = Object.freeze({ joinery: 'prune' })

/**
 * Deletes the claims that others beat and whose writers are gone or saw nothing of it, in one transaction; what is shown
 * stays as it is. Junk stays too: it isn't ours. Every replica may do this, one does: the server, at most once after a
 * transaction and never after its own. Returns how many claims went; writes nothing at all when there are none.
 *
 * @param blockIds blocks to look at; all of them when left out
 * @param lists lists to look at
 */
export function pruneBeaten(
  doc: Y.Doc,
  blockIds?: Iterable<string>,
  lists: readonly ClaimList[] = CLAIM_LISTS,
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
