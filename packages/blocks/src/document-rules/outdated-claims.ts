import * as Y from 'yjs'
import type { Claim, ClaimList } from '../claim-list.ts'
import { DocViews } from '../claim-views.ts'
import { PRUNE_ORIGIN } from '../prune-beaten.ts'
import { getBlock } from '../workspace-blocks.ts'

interface Outdated {
  readonly block: string
  readonly list: ClaimList
  readonly claim: Claim
}

/**
 * The claims that show although those who may say them have said something else since. A client that undoes the deletion of a block
 * brings back what it had seen, and a claim that stood beaten shows when the winner is deleted. A deletion may leave
 * nothing there, and says nothing in another's name.
 */
export class OutdatedClaims {
  #claims: Outdated[] = []

  add(block: string, list: ClaimList, claim: Claim): void {
    this.#claims.push({ block, list, claim })
  }

  /** Deletes them. The claims that show in their place are looked at in turn, when the document's observers have told of them. */
  prune(doc: Y.Doc): void {
    while (this.#claims.length > 0) {
      const claims = this.#claims
      this.#claims = []
      Y.transact(
        doc,
        (transaction) => {
          for (const each of claims) remove(transaction, each)
        },
        PRUNE_ORIGIN,
      )
    }
  }
}

/** Deletes a claim, unless another shows by now. Each claim is deleted once, so that this ends. */
function remove(transaction: Y.Transaction, { block, list, claim }: Outdated): void {
  const map = getBlock(transaction.doc, block)?.map
  if (map === undefined) return
  const view = DocViews.of(transaction.doc).viewOf(map, list)
  const key = list.rules.keyOf(claim)
  const elements = map.get(list.part)
  const winner = view.fold.winners.get(key)
  if (winner === undefined || list.rules.compare(winner, claim) !== 0) return
  if (elements instanceof Y.Array) view.bookIn(transaction, elements).removeWinner(key)
  // A stock client's plain array in place of the list: nobody can change it.
  else map.delete(list.part)
}
