import type * as Y from 'yjs'
import type { ListChange } from './claim-diff.ts'
import type { ClaimRules } from './ranked-claims.ts'

/** Properties of every claim: its writer's class and name, and the time in milliseconds since the epoch. */
export interface Claim {
  readonly source: string
  readonly actor: string
  readonly at: number
}

/** One attempt. `no` counts attempts from 1 (0: a legacy entry), `id` names this one, `source` is who started it. */
export interface Run<Source extends string = string> {
  readonly no: number
  readonly id: string
  readonly source: Source
}

/**
 * One kind of list of claims that blocks have, as a row of the table {@link CLAIM_LISTS}. Views, the server's checks, observers,
 * pruning, undo, restore, differences, events and hooks know a list by its row alone. One object per list: a view belongs to it.
 */
export interface ClaimList<C extends Claim = Claim, L extends BlockList<C> = BlockList<C>, Shown = unknown> {
  /** Key in the block's map under which the list stands; also its name in the block's JSON and in the log's paths. */
  readonly part: string
  readonly rules: ClaimRules<C>
  /** The rules as of one document, if they differ from document to document. */
  rulesIn?(doc: Y.Doc): ClaimRules<C>
  /** The rules of the order in words, by their numbers. Left out by a list that has the order of all status lists or of fields. */
  readonly words?: Readonly<Record<number, string>>
  /** Names in events and differences: of the list, and of the key for which its claims compete. */
  readonly told: { readonly list: string; readonly key: string }
  /** The property that marks an element as a claim. Such an element must be a valid claim; other elements are junk or legacy. */
  readonly mark: 'run' | 'seq'
  /** False for a list that undo never takes back. */
  readonly isUndoable: boolean
  /** True if nobody may speak for a source whose token does not name it, also in development mode. */
  isReserved?(source: string): boolean
  /** True if only some sources may say what the claim says. */
  isGuarded?(claim: C): boolean
  /** True if the claim says how something has ended. */
  isResult?(claim: C): boolean
  /** The number that grows with each attempt or each write: run number or seq. */
  numberOf(claim: C): number
  /** The claim's run; undefined for claims without runs. */
  runOf(claim: C): Run | undefined
  /** The part of a standing claim that readers see: the claim itself, or its value. */
  shownOf(claim: C): Shown
  /** The list of one block, to read and to write. */
  open(block: Y.Map<unknown>, blockId: string): L
}

/** Interface of every list of claims of one block. Each list has its own functions that write claims. */
export interface BlockList<C, J = unknown> {
  /** The shown claims, sorted by key. The same frozen array until one of them changes. Empty for a deleted block. */
  entries(): readonly C[]
  /** Calls `listener` once after each transaction, local or remote, that changed the list; returns unsubscribe. */
  observe(listener: (change: ListChange<C>, transaction: Y.Transaction) => void): () => void
  /** The shown claims as plain data that the reader owns. */
  toJSON(): J
}

export type ClaimOf<L extends ClaimList> = L['rules'] extends ClaimRules<infer C> ? C : never
export type JsonOf<L extends ClaimList> = ReturnType<ReturnType<L['open']>['toJSON']>
