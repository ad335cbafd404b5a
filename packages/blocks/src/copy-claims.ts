import * as Y from 'yjs'
import type { Block } from './block.ts'
import { assertBlockLives, ensureClaimList } from './block-part.ts'
import { CLAIMS_PER_ITEM } from './claim-book.ts'
import type { Claim, ClaimList } from './claim-list.ts'
import { statusRulesOf } from './entry-shape.ts'
import type { StatusClaim } from './status-rules.ts'

/** Puts what a list shows in `from` into the same list of `to`, a block of another document that has no claims there. */
export function copyClaims(from: Block, to: Block, list: ClaimList): void {
  const elements = from
    .claims(list)
    .entries()
    .map((claim) => elementOf(claim, list))
  if (elements.length === 0) return
  const doc = assertBlockLives(to.map, to.id)
  Y.transact(doc, (transaction) => {
    const copy = ensureClaimList(transaction, to.map, to.id, list.part)
    for (let from = 0; from < elements.length; from += CLAIMS_PER_ITEM) {
      copy.push(elements.slice(from, from + CLAIMS_PER_ITEM))
    }
  })
}

/** The element that reads as this claim. A stock client's entry is read as run 0, which nobody may write as a claim. */
function elementOf(claim: Claim, list: ClaimList): object {
  const rules = statusRulesOf(list)
  if (rules === undefined || list.runOf(claim)?.no !== 0) return claim
  const { status } = claim as StatusClaim
  return { [rules.key]: list.rules.keyOf(claim), status, timestamp: claim.at }
}
