import type * as Y from 'yjs'
import { fieldClaims } from './block-fields.ts'
import type { ClaimList, ClaimOf, JsonOf } from './claim-list.ts'
import { indexingClaims } from './indexing-list.ts'
import { MACHINES } from './machines/built-in-machines.ts'
import { machinesIn } from './machines/doc-machines.ts'
import type { Machine } from './machines/machine.ts'
import { type MachineList, machineClaims } from './machines/machine-list.ts'

/** The statuses of files, payments and tasks, by Joinery's own machines. */
export const builtInStatuses = machineClaims(MACHINES)

/**
 * Every list of claims that Joinery's blocks have. A new kind of list is a row here; an application may pass a longer table
 * to the server's rules, the API and the client alike.
 */
export const CLAIM_LISTS = [indexingClaims, fieldClaims, builtInStatuses] as const satisfies readonly ClaimList[]

/**
 * Joinery's table of lists for blocks that have the statuses of an application's own machines, too. The server's rules, the API
 * and the client take the same. Throws a plain `TypeError` when two machines have one name.
 */
export function claimListsWith(machines: readonly Machine[]): typeof CLAIM_LISTS {
  if (machines.length === 0) return CLAIM_LISTS
  return [indexingClaims, fieldClaims, machineClaims([...MACHINES, ...machines])]
}

/** The table of lists that a document's blocks have: with its own machines, if it has some. */
export function listsIn(doc: Y.Doc | null): typeof CLAIM_LISTS {
  const machines = doc === null ? undefined : (machinesIn(doc) as MachineList | undefined)
  return machines === undefined ? CLAIM_LISTS : [indexingClaims, fieldClaims, machines]
}

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
