import type * as Y from 'yjs'
import type { ListChange } from '../claim-diff.ts'
import type { ClaimPart } from '../claim-views.ts'
import { FIELD_ORDER_RULES, type FieldClaim } from '../field-rules.ts'
import type { StatusClaim } from '../indexing-rules.ts'
import { type BlocksChange, observeBlocks } from '../observe-blocks.ts'
import { ORDER_RULES } from '../status-rules.ts'
import { getBlock } from '../workspace-blocks.ts'

/** An entry or a field that is shown differently now; `undefined` on the side where there is none. */
export interface ShownChange {
  readonly block: string
  /** `indexingList/<index>` or `fields/<key>`. */
  readonly field: string
  readonly before: StatusClaim | FieldClaim | undefined
  readonly after: StatusClaim | FieldClaim | undefined
}

/** A claim that stands beaten. */
export interface LostConflict {
  readonly block: string
  readonly field: string
  readonly winner: StatusClaim | FieldClaim
  readonly loser: StatusClaim | FieldClaim
  /** The rule that decided, in words. */
  readonly rule: string
}

export interface Observed {
  readonly changes: readonly ShownChange[]
  readonly conflicts: readonly LostConflict[]
}

const RULES: Readonly<Record<ClaimPart, Readonly<Record<number, string>>>> = {
  indexingList: ORDER_RULES,
  fields: FIELD_ORDER_RULES,
}

/** Calls `listener` after each transaction that changed an entry or a field, or left a claim beaten. Returns unsubscribe. */
export function observeShown(doc: Y.Doc, listener: (observed: Observed) => void): () => void {
  return observeBlocks(doc, (change) => {
    const observed = observedOf(doc, change)
    if (observed.changes.length + observed.conflicts.length > 0) listener(observed)
  })
}

function observedOf(doc: Y.Doc, { added, changed }: BlocksChange): Observed {
  const changes = added.flatMap((block) => shownFirst(doc, block))
  const conflicts: LostConflict[] = []
  for (const { id: block, indexing, fields } of changed) {
    if (indexing !== undefined) collect(block, 'indexingList', indexing, { changes, conflicts })
    if (fields !== undefined) collect(block, 'fields', fields, { changes, conflicts })
  }
  return { changes, conflicts }
}

/** A block that has come with entries and fields: all of them are new. */
function shownFirst(doc: Y.Doc, id: string): ShownChange[] {
  const block = getBlock(doc, id)
  if (block === undefined) return []
  const entries = block.indexingList.entries().map((after) => ({ field: `indexingList/${after.index_name}`, after }))
  const fields = block.fields.entries().map((after) => ({ field: `fields/${after.key}`, after }))
  return [...entries, ...fields].map(({ field, after }) => ({ block: id, field, before: undefined, after }))
}

function collect<C extends StatusClaim | FieldClaim>(
  block: string,
  part: ClaimPart,
  list: ListChange<C>,
  into: { changes: ShownChange[]; conflicts: LostConflict[] },
): void {
  for (const change of list.changes) {
    const before = change.kind === 'added' ? undefined : change.before
    const after = change.kind === 'removed' ? undefined : change.entry
    into.changes.push({ block, field: `${part}/${change.key}`, before, after })
  }
  for (const { winner, loser, rule } of list.conflicts) {
    const words = RULES[part][rule] ?? `rule ${rule}`
    into.conflicts.push({ block, field: `${part}/${keyOf(winner)}`, winner, loser, rule: words })
  }
}

function keyOf(claim: StatusClaim | FieldClaim): string {
  return 'index_name' in claim ? claim.index_name : claim.key
}
