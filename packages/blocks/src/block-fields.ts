import * as Y from 'yjs'
import { assertBlockLives, ensureClaimList } from './block-part.ts'
import { CLAIM_LIMITS, isBoundedJson } from './claim-bounds.ts'
import { diffFolds, type ListChange } from './claim-diff.ts'
import { type ClaimView, DocViews } from './claim-views.ts'
import { type FieldClaim, fieldRules } from './field-rules.ts'
import { assertKeyAllowed, type Json } from './json.ts'
import { deleteClaims, writeClaim } from './ranked-claims.ts'
import { assertAuthor, assertName, badArgument, type ClaimAuthor } from './write-arguments.ts'

export type FieldsChange = ListChange<FieldClaim>

/** A block's values under keys (title, configuration), each won by rank and not by who came last. */
export class BlockFields {
  readonly #block: Y.Map<unknown>
  readonly #blockId: string

  constructor(block: Y.Map<unknown>, blockId: string) {
    this.#block = block
    this.#blockId = blockId
  }

  /** The value shown under `key`; undefined when there is none. */
  get(key: string): Json | undefined {
    return this.#view()?.fold.winners.get(key)?.value
  }

  /** The shown claims, sorted by key. The same frozen array until one of them changes. */
  entries(): readonly FieldClaim[] {
    return this.#view()?.fold.entries ?? NO_FIELDS
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
    this.#write((view, transaction) => {
      const { source, actor, at = Date.now() } = author
      const claim = { key, value, seq: view.highestSeen(key) + 1, source, actor, at }
      writeClaim(transaction, this.#list(transaction), claim, fieldRules)
    })
  }

  /** Removes a value: deletes the claims this replica sees; one set meanwhile elsewhere stays. True if there was one. */
  remove(key: string): boolean {
    assertName(key, 'key')
    return this.#write((view, transaction) => {
      if (!view.fold.winners.has(key)) return false
      return deleteClaims(this.#list(transaction), key, fieldRules) > 0
    })
  }

  /** Calls `listener` once after each transaction that changed something here; returns unsubscribe. */
  observe(listener: (change: FieldsChange, transaction: Y.Transaction) => void): () => void {
    const views = DocViews.of(assertBlockLives(this.#block, this.#blockId))
    const view = views.viewsOf(this.#block).fields
    let before = view.fold
    return views.subscribe((touched, transaction) => {
      if (touched.parts.get(this.#block)?.has('fields') !== true) return
      const after = view.fold
      const change = diffFolds(before, after, fieldRules)
      before = after
      if (change !== undefined) listener(change, transaction)
    })
  }

  /** The shown values by key, as plain data. */
  toJSON(): Record<string, Json> {
    return Object.fromEntries(this.entries().map((claim) => [claim.key, claim.value]))
  }

  #view(): ClaimView<FieldClaim> | undefined {
    const { doc } = this.#block
    const isLive = doc !== null && this.#block._item?.deleted === false
    return isLive ? DocViews.of(doc).viewsOf(this.#block).fields : undefined
  }

  #list(transaction: Y.Transaction): Y.Array<unknown> {
    return ensureClaimList(transaction, this.#block, this.#blockId, 'fields')
  }

  #write<T>(body: (view: ClaimView<FieldClaim>, transaction: Y.Transaction) => T): T {
    const doc = assertBlockLives(this.#block, this.#blockId)
    const view = DocViews.of(doc).viewsOf(this.#block).fields
    return Y.transact(doc, (transaction) => body(view, transaction))
  }
}

const NO_FIELDS: readonly FieldClaim[] = Object.freeze([])
