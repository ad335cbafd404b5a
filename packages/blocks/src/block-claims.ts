import * as Y from 'yjs'
import { assertBlockLives, ensureClaimList } from './block-part.ts'
import type { ClaimBook } from './claim-book.ts'
import { diffFolds, type ListChange } from './claim-diff.ts'
import type { BlockList, Claim, ClaimList } from './claim-list.ts'
import { type ClaimView, DocViews } from './claim-views.ts'

/** One list of claims of one block: what statuses and fields have in common. It holds nothing itself. */
export abstract class BlockClaims<C extends Claim, J> implements BlockList<C, J> {
  readonly #block: Y.Map<unknown>
  readonly #blockId: string
  readonly #list: ClaimList<C>

  constructor(block: Y.Map<unknown>, blockId: string, list: ClaimList<C>) {
    this.#block = block
    this.#blockId = blockId
    this.#list = list
  }

  abstract toJSON(): J

  /** The shown claims, sorted by what they are about. The same frozen array until one of them changes. Empty for a deleted block. */
  entries(): readonly C[] {
    return this.view?.fold.entries ?? NONE
  }

  /** Calls `listener` once after each transaction, local or remote, that changed something here; returns unsubscribe. */
  observe(listener: (change: ListChange<C>, transaction: Y.Transaction) => void): () => void {
    const views = DocViews.of(assertBlockLives(this.#block, this.#blockId))
    const view = views.viewOf(this.#block, this.#list)
    let before = view.fold
    return views.subscribe((touched, transaction) => {
      if (touched.parts.get(this.#block)?.has(this.#list.part) !== true) return
      const after = view.fold
      const change = diffFolds(before, after, view.list.rules)
      before = after
      if (change !== undefined) listener(change, transaction)
    })
  }

  /** Undefined for a deleted block. */
  protected get view(): ClaimView<C> | undefined {
    const { doc } = this.#block
    const isLive = doc !== null && this.#block._item?.deleted === false
    return isLive ? DocViews.of(doc).viewOf(this.#block, this.#list) : undefined
  }

  /** Writes in one transaction. `open` makes the list first where the block lacks it. Throws `block_missing`. */
  protected write<T>(body: (view: ClaimView<C>, open: () => ClaimBook<C>) => T, origin?: unknown): T {
    const doc = assertBlockLives(this.#block, this.#blockId)
    const view = DocViews.of(doc).viewOf(this.#block, this.#list)
    const { part } = this.#list
    return Y.transact(
      doc,
      (transaction) =>
        body(view, () => view.bookIn(transaction, ensureClaimList(transaction, this.#block, this.#blockId, part))),
      origin,
    )
  }
}

const NONE: readonly never[] = Object.freeze([])
