import * as Y from 'yjs'
import type { Block } from './block.ts'
import { assertBlockLives, ensureClaimList } from './block-part.ts'
import { CLAIMS_PER_ITEM } from './claim-book.ts'
import type { ClaimList } from './claim-list.ts'

/** Puts what a list shows in `from` into the same list of `to`, a block of another document that has no claims there. */
export function copyClaims(from: Block, to: Block, list: ClaimList): void {
  const elements = from.claims(list).entries().map(list.elementOf)
  if (elements.length === 0) return
  const doc = assertBlockLives(to.map, to.id)
  Y.transact(doc, (transaction) => {
    const copy = ensureClaimList(transaction, to.map, to.id, list.part)
    for (let from = 0; from < elements.length; from += CLAIMS_PER_ITEM) {
      copy.push(elements.slice(from, from + CLAIMS_PER_ITEM))
    }
  })
}
