import * as Y from 'yjs'
import { type ChangedType, locateChange } from './change-location.ts'
import { ClaimBook } from './claim-book.ts'
import type { Claim, ClaimList } from './claim-list.ts'
import { type ClaimRules, type Fold, foldClaims } from './ranked-claims.ts'

/**
 * One list of claims of one block, with its latest fold. The fold is kept until a transaction touches the list. Reading an
 * unchanged list therefore costs no walk through Yjs, and gives the same objects again.
 */
export class ClaimView<C extends Claim> {
  readonly list: ClaimList<C>
  readonly #block: Y.Map<unknown>
  /** Made at the first claim: a large workspace has many lists without any. */
  #highest: Map<string, number> | undefined
  #fold: Fold<C> | undefined
  /** The book of the open transaction. */
  #book: ClaimBook<C> | undefined

  constructor(block: Y.Map<unknown>, list: ClaimList<C>) {
    this.#block = block
    this.list = list
  }

  /** The list's claims as of now, also inside an open transaction. Once that has touched the list, each reading is a walk. */
  get fold(): Fold<C> {
    if (this.#fold !== undefined && !this.#isTouched) return this.#fold
    const fold = this.#read()
    // A fold made in the middle of a transaction is not kept: the transaction may change the list again without a notice.
    if (this.#transaction === null) this.#fold = fold
    return fold
  }

  /** The shown claim of one key. */
  winner(key: string): C | undefined {
    const transaction = this.#transaction
    const list = this.#elements
    const isFoldTrue = transaction === null || (this.#fold !== undefined && !this.#isTouched)
    if (isFoldTrue || !(list instanceof Y.Array)) return this.fold.winners.get(key)
    const winner = this.bookIn(transaction, list).winner(key)
    if (winner !== undefined) this.#see(key, winner)
    return winner
  }

  /**
   * The highest run number or seq that this replica has seen under `key` since it was loaded, also after a removal; 0 for none.
   * `winner` is the claim that shows now.
   */
  highestSeen(key: string, winner: C | undefined): number {
    return Math.max(this.#highest?.get(key) ?? 0, winner === undefined ? 0 : this.list.numberOf(winner))
  }

  /** The book of the list's claims, for writing inside the caller's transaction. */
  bookIn(transaction: Y.Transaction, list: Y.Array<unknown>): ClaimBook<C> {
    if (this.#book?.isTrue(transaction, list) !== true) this.#book = new ClaimBook(transaction, list, this.#rules)
    return this.#book
  }

  /** Discards the fold and the book. Called when a transaction has touched the list. */
  invalidate(): void {
    this.#fold = undefined
    this.#book = undefined
  }

  /** Id of the block that has the list. */
  get blockId(): string | undefined {
    return this.#block._item?.parentSub ?? undefined
  }

  get #rules(): ClaimRules<C> {
    const { doc } = this.#block
    return (doc !== null && this.list.rulesIn?.(doc)) || this.list.rules
  }

  get #transaction(): Y.Transaction | null {
    return this.#block.doc?._transaction ?? null
  }

  get #elements(): unknown {
    return this.#block.get(this.list.part)
  }

  /** True if the open transaction has changed the list. */
  get #isTouched(): boolean {
    const changed = this.#transaction?.changed
    if (changed === undefined) return false
    const list = this.#elements
    return changed.has(this.#block as unknown as ChangedType) || (list instanceof Y.AbstractType && changed.has(list))
  }

  #read(): Fold<C> {
    const list = this.#elements
    const fold = foldClaims(list instanceof Y.Array || Array.isArray(list) ? list : [], this.#rules)
    for (const [key, winner] of fold.winners) this.#see(key, winner)
    return fold
  }

  #see(key: string, winner: C): void {
    const number = this.list.numberOf(winner)
    if (number <= (this.#highest?.get(key) ?? 0)) return
    this.#highest ??= new Map()
    this.#highest.set(key, number)
  }
}

/** The blocks and parts that one transaction touched. */
export interface BlocksTouched {
  /** Ids of blocks that were created, replaced or deleted. */
  readonly ids: ReadonlySet<string>
  /** Keys written or parts edited, by block. */
  readonly parts: ReadonlyMap<Y.Map<unknown>, ReadonlySet<string>>
}
export type TouchListener = (touched: BlocksTouched, transaction: Y.Transaction) => void

/** All claim views of one doc. One handler on the doc invalidates them. */
export class DocViews {
  readonly #doc: Y.Doc
  /** The views of each block, for the lists that were asked for. */
  readonly #views = new WeakMap<Y.Map<unknown>, ClaimView<Claim>[]>()
  readonly #listeners = new Set<TouchListener>()
  readonly #touches = new WeakMap<Y.Transaction, BlocksTouched>()
  /** The lists that the next transaction reads anew, whatever it changes. */
  #stale: readonly (readonly [block: Y.Map<unknown>, part: string])[] = []

  private constructor(doc: Y.Doc) {
    this.#doc = doc
    // This event comes before any observer runs, so that an observer reads the new state.
    doc.on('beforeObserverCalls', (transaction: Y.Transaction) => this.#invalidate(transaction))
  }

  static readonly #byDoc = new WeakMap<Y.Doc, DocViews>()
  static of(doc: Y.Doc): DocViews {
    const known = DocViews.#byDoc.get(doc)
    if (known !== undefined) return known
    const views = new DocViews(doc)
    DocViews.#byDoc.set(doc, views)
    return views
  }

  viewOf<C extends Claim>(block: Y.Map<unknown>, list: ClaimList<C>): ClaimView<C> {
    let views = this.#views.get(block)
    if (views === undefined) {
      views = []
      this.#views.set(block, views)
    }
    for (const known of views) {
      if ((known.list as ClaimList) === (list as ClaimList)) return known as unknown as ClaimView<C>
      if (known.list.part === list.part)
        throw new TypeError(`Two claim lists stand in part "${list.part}": use one object for both`)
    }
    const view = new ClaimView(block, list)
    views.push(view as unknown as ClaimView<Claim>)
    return view
  }

  /** Calls `listener` once after each transaction that touched a block; returns unsubscribe. */
  subscribe(listener: TouchListener): () => void {
    // Each subscription has a wrapper of its own, so that one function may subscribe twice.
    const entry: TouchListener = (touched, transaction) => listener(touched, transaction)
    if (this.#listeners.size === 0) this.#doc.on('afterTransaction', this.#notify)
    this.#listeners.add(entry)
    return () => {
      this.#listeners.delete(entry)
      if (this.#listeners.size === 0) this.#doc.off('afterTransaction', this.#notify)
    }
  }

  /** Reads these lists anew, after their rules have changed, and tells the listeners in a transaction of its own. */
  refresh(lists: readonly (readonly [block: Y.Map<unknown>, part: string])[]): void {
    if (lists.length === 0) return
    this.#doc.transact(() => {
      this.#stale = lists
    })
  }

  /** Invalidates the touched views. It runs on every keystroke, so it gathers nothing while there is no listener. */
  #invalidate(transaction: Y.Transaction): void {
    const gathered =
      this.#listeners.size > 0 ? { ids: new Set<string>(), parts: new Map<Y.Map<unknown>, Set<string>>() } : undefined
    for (const [type, keys] of transaction.changed) {
      const location = locateChange(transaction.doc, type, keys)
      if (location?.at === 'blocks') for (const id of keys) if (id !== null) gathered?.ids.add(id)
      if (location?.at !== 'block' && location?.at !== 'part') continue
      const views = this.#views.get(location.block)
      for (const part of location.at === 'part' ? [location.part] : location.keys) {
        for (const view of views ?? NO_VIEWS) if (view.list.part === part) view.invalidate()
        if (part !== null) gather(gathered?.parts, location.block, part)
      }
    }
    for (const [block, part] of this.#stale) {
      for (const view of this.#views.get(block) ?? NO_VIEWS) if (view.list.part === part) view.invalidate()
      gather(gathered?.parts, block, part)
    }
    this.#stale = []
    if (gathered !== undefined && gathered.ids.size + gathered.parts.size > 0) this.#touches.set(transaction, gathered)
  }

  readonly #notify = (transaction: Y.Transaction): void => {
    const touched = this.#touches.get(transaction)
    if (touched === undefined) return
    const errors: unknown[] = []
    for (const listener of [...this.#listeners]) {
      try {
        listener(touched, transaction)
      } catch (error) {
        errors.push(error)
      }
    }
    // A listener that throws must not stop the others, and its error must reach the caller.
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, 'Several block observers threw: see errors')
  }
}

const NO_VIEWS: readonly ClaimView<Claim>[] = []

function gather(parts: Map<Y.Map<unknown>, Set<string>> | undefined, block: Y.Map<unknown>, part: string): void {
  const known = parts?.get(block)
  if (known !== undefined) known.add(part)
  else parts?.set(block, new Set([part]))
}
