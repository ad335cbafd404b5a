import type * as Y from 'yjs'
import { BlockClaims } from './block-claims.ts'
import { CLAIM_LIMITS, isBoundedJson } from './claim-bounds.ts'
import type { ListChange } from './claim-diff.ts'
import type { FieldClaim } from './field-rules.ts'
import { assertKeyAllowed, type Json, toPlain } from './json.ts'
import { assertAuthor, assertName, badArgument, type ClaimAuthor } from './write-arguments.ts'

export type FieldsChange = ListChange<FieldClaim>

/** A block's values under keys (title, configuration), each won by rank and not by who came last. */
export class BlockFields extends BlockClaims<FieldClaim> {
  constructor(block: Y.Map<unknown>, blockId: string) {
    super(block, blockId, 'fields', (views) => views.fields)
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
    if (!isBoundedJson(value))
      throw badArgument('value', `JSON of at most ${CLAIM_LIMITS.jsonLengthMax} characters`, value)
    this.write((view, open) => {
      const { source, actor, at = Date.now() } = author
      const claim = { key, value, seq: view.highestSeen(key, view.winner(key)) + 1, source, actor, at }
      open().write(claim)
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
