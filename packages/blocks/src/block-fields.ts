import type * as Y from 'yjs'
import { BlockClaims } from './block-claims.ts'
import { CLAIM_LIMITS, isBoundedJson } from './claim-bounds.ts'
import type { ListChange } from './claim-diff.ts'
import type { ClaimList } from './claim-list.ts'
import { type FieldClaim, fieldRules } from './field-rules.ts'
import { assertKeyAllowed, isExactJson, type Json, toPlain } from './json.ts'
import { toWellFormedJson } from './well-formed.ts'
import { assertAuthor, assertName, badArgument, type ClaimAuthor, nextCount } from './write-arguments.ts'

export type FieldsChange = ListChange<FieldClaim>

/** A block's values under keys (title, configuration). The value of the highest rank shows, not the one written last. */
export class BlockFields extends BlockClaims<FieldClaim, Record<string, Json>> {
  constructor(block: Y.Map<unknown>, blockId: string) {
    super(block, blockId, fieldClaims)
  }

  /** The value shown under `key`; undefined when there is none. */
  get(key: string): Json | undefined {
    return this.view?.winner(key)?.value
  }

  /**
   * Sets a value over all that this replica sees. Of values set concurrently the one of the higher-priority source
   * shows. Throws `bad_argument` (naming the field), `forbidden_key`, `block_missing`.
   */
  set(key: string, value: Json, author: ClaimAuthor): void {
    assertName(key, 'key')
    assertKeyAllowed(key, 'key')
    assertAuthor(author)
    assertValue(value)
    this.write((view, open) => {
      const { source, actor, at = Date.now() } = author
      const seq = nextCount(view.highestSeen(key, view.winner(key)), 'seq')
      open().write({
        key,
        value: toWellFormedJson(value),
        seq,
        source,
        actor,
        at,
      })
    })
  }

  /** Removes a value: deletes the claims this replica sees; one set meanwhile elsewhere stays. True if there was one. */
  remove(key: string): boolean {
    assertName(key, 'key')
    return this.write((view, open) => {
      if (view.winner(key) === undefined) return false
      return open().remove([key]) > 0
    })
  }

  /** The shown values by key, as plain data that the reader owns. */
  toJSON(): Record<string, Json> {
    return Object.fromEntries(this.entries().map((claim) => [claim.key, toPlain(claim.value) as Json]))
  }
}

/** The row of fields in the table of lists. */
export const fieldClaims: ClaimList<FieldClaim, BlockFields, Json> & {
  readonly part: 'fields'
  readonly told: { readonly list: 'fields'; readonly key: 'key' }
} = {
  part: 'fields',
  rules: fieldRules,
  told: { list: 'fields', key: 'key' },
  mark: 'seq',
  isUndoable: true,
  numberOf: (claim) => claim.seq,
  runOf: () => undefined,
  shownOf: (claim) => claim.value,
  open: (block, blockId) => new BlockFields(block, blockId),
}

/** Throws `bad_argument` for a value beyond a claim's bounds. */
export function assertValue(value: unknown): void {
  if (isBoundedJson(value) && isExactJson(value)) return
  throw badArgument(
    'value',
    `JSON of at most ${CLAIM_LIMITS.jsonLengthMax} characters whose integers are within 2^53`,
    value,
  )
}
