import type { Claim, ClaimList } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

const NO_CLAIMS: readonly never[] = Object.freeze([])

/**
 * The shown claims of one of block `id`'s lists, sorted by key. `list` is the list's row in the table of lists. Written with
 * `useBlock(id)?.claims(list)`.
 */
export function useClaims<C extends Claim>(id: string, list: ClaimList<C>): readonly C[] {
  return useBlockPart(id, list.part, (block) => block?.claims(list).entries() ?? NO_CLAIMS)
}

/** The claim that one of block `id`'s lists shows for `key`; undefined when there is none. */
export function useClaim<C extends Claim>(id: string, list: ClaimList<C>, key: string): C | undefined {
  return useBlockPart(id, list.part, (block) =>
    block
      ?.claims(list)
      .entries()
      .find((claim) => list.rules.keyOf(claim) === key),
  )
}
