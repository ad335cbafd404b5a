import * as Y from 'yjs'
import type { Claim, ClaimList } from './claim-list.ts'
import { type ClaimView, DocViews } from './claim-views.ts'
import { blockMaps } from './workspace-blocks.ts'

/** True if the block has an element in the list, be it a claim or junk. */
export function isFilled(block: Y.Map<unknown>, { part }: Pick<ClaimList, 'part'>): boolean {
  const elements = block.get(part)
  return (elements instanceof Y.Array || Array.isArray(elements)) && elements.length > 0
}

/**
 * The views of all lists of a document that are not empty. A view of each list of each block would cost a large workspace a
 * kilobyte for each block.
 */
export function* filledViews(doc: Y.Doc, lists: readonly ClaimList[]): Generator<ClaimView<Claim>> {
  const views = DocViews.of(doc)
  for (const [, map] of blockMaps(doc)) {
    for (const list of lists) if (isFilled(map, list)) yield views.viewOf(map, list)
  }
}
