import { fieldClaims } from './block-fields.ts'
import type { ClaimList, ClaimOf, JsonOf } from './claim-list.ts'
import { indexingClaims } from './indexing-list.ts'

/**
 * Every list of claims that Joinery's blocks have. A new kind of list is a row here; an application may pass a longer table
 * to the server's rules, the API and the client alike.
 */
export const CLAIM_LISTS = [indexingClaims, fieldClaims] as const satisfies readonly ClaimList[]

type Row = (typeof CLAIM_LISTS)[number]

/** The lists of the table as plain data, under their parts. */
export type ClaimsJson = { [L in Row as L['part']]: JsonOf<L> }
/** By the name under which events and differences tell of a list: its claims, what is shown of them, and its key's name. */
export type ToldLists = {
  [L in Row as L['told']['list']]: {
    readonly claim: ClaimOf<L>
    readonly shown: ReturnType<L['shownOf']>
    readonly key: L['told']['key']
  }
}
