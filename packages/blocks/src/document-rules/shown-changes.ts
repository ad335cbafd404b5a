import type * as Y from 'yjs'
import type { ListChange } from '../claim-diff.ts'
import type { Claim, ClaimList } from '../claim-list.ts'
import { ruleWords } from '../claim-words.ts'
import { type BlocksChange, observeBlocks } from '../observe-blocks.ts'
import { getBlock } from '../workspace-blocks.ts'

/** A claim that is shown where another or none was shown before. `undefined` on the side where there is none. */
export interface ShownChange {
  readonly block: string
  /** `<part>/<key>`: `indexingList/<index>`, `fields/<key>`. */
  readonly field: string
  readonly before: Claim | undefined
  readonly after: Claim | undefined
}

/** A claim that stands beaten. */
export interface LostConflict {
  readonly block: string
  readonly field: string
  readonly winner: Claim
  readonly loser: Claim
  /** The rule that decided, in words. */
  readonly rule: string
}

export interface Observed {
  readonly changes: readonly ShownChange[]
  readonly conflicts: readonly LostConflict[]
}

/** Calls `listener` after each transaction that changed a shown claim or left a claim beaten. Returns unsubscribe. */
export function observeShown(
  doc: Y.Doc,
  listener: (observed: Observed) => void,
  lists: readonly ClaimList[],
): () => void {
  return observeBlocks(
    doc,
    (change) => {
      const observed = observedOf(doc, change, lists)
      if (observed.changes.length + observed.conflicts.length > 0) listener(observed)
    },
    lists,
  )
}

function observedOf(doc: Y.Doc, { added, changed }: BlocksChange, lists: readonly ClaimList[]): Observed {
  const changes = added.flatMap((block) => lists.flatMap((list) => shownFirst(doc, block, list)))
  const conflicts: LostConflict[] = []
  for (const { id, claims } of changed) {
    for (const { list, change } of claims) collect(id, list, change, { changes, conflicts })
  }
  return { changes, conflicts }
}

/** All claims that are shown in a new block are new. */
function shownFirst(doc: Y.Doc, block: string, list: ClaimList): ShownChange[] {
  const entries = getBlock(doc, block)?.claims(list).entries() ?? []
  return entries.map((after) => ({ block, field: fieldOf(list, after), before: undefined, after }))
}

function collect(
  block: string,
  list: ClaimList,
  { changes, conflicts }: ListChange<Claim>,
  into: { changes: ShownChange[]; conflicts: LostConflict[] },
): void {
  for (const change of changes) {
    const before = change.kind === 'added' ? undefined : change.before
    const after = change.kind === 'removed' ? undefined : change.entry
    into.changes.push({ block, field: `${list.part}/${change.key}`, before, after })
  }
  for (const { winner, loser, rule } of conflicts) {
    into.conflicts.push({ block, field: fieldOf(list, winner), winner, loser, rule: ruleWords(list, rule) })
  }
}

function fieldOf({ part, rules }: ClaimList, claim: Claim): string {
  return `${part}/${rules.keyOf(claim)}`
}
