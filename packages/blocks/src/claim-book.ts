import * as Y from 'yjs'
import type { JsonObject } from './json.ts'
import type { ClaimRules } from './ranked-claims.ts'

/**
 * Greatest number of claims in one item. Claims in items of their own make Yjs merge the items, which took a gigabyte for 16,000
 * claims. With all claims in one item, Yjs copies the rest for each claim that is superseded later, which took 11 s for 40,000
 * of 80,000.
 */
export const CLAIMS_PER_ITEM = 500

/** A claim and the id of its element. The id stays valid when Yjs splits or merges the item around it. */
interface Placed<C> {
  readonly claim: C
  readonly id: Y.ID
}

/**
 * The claims of one list by key, for one open transaction. One walk through the list makes it; it then follows everything that
 * the transaction writes. Without it, a thousand claims in one transaction would take a thousand walks through the list, since
 * a fold of an open transaction can't be kept.
 */
export class ClaimBook<C> {
  readonly #transaction: Y.Transaction
  readonly #list: Y.Array<unknown>
  readonly #rules: ClaimRules<C>
  readonly #placed = new Map<string, Placed<C>[]>()
  /** Elements that are Yjs types. Their content may change while they stand. */
  readonly #types: { readonly raw: unknown; readonly id: Y.ID }[] = []
  /** An item near the list's end. */
  #tail: Y.Item | null = null
  /** Clock of this client up to which its structs have been entered. */
  #clock: number

  constructor(transaction: Y.Transaction, list: Y.Array<unknown>, rules: ClaimRules<C>) {
    this.#transaction = transaction
    this.#list = list
    this.#rules = rules
    this.#clock = this.#ownClock
    for (let item = list._start; item !== null; item = item.right) {
      this.#enter(item)
      this.#tail = item
    }
  }

  /** False for another transaction or list, and once an update of others was applied in the middle of this transaction. */
  isTrue(transaction: Y.Transaction, list: unknown): boolean {
    return this.#transaction === transaction && this.#list === list && transaction.local
  }

  /** The greatest claim of one key. */
  winner(key: string): C | undefined {
    return this.#greatest(this.#of(key))?.claim
  }

  /** Adds one claim: see {@link writeAll}. */
  write(value: JsonObject): { winner: C; rule: number } {
    const [written] = this.writeAll([value])
    if (written === undefined) throw new Error('invariant: a written claim has no result')
    return written
  }

  /**
   * Adds claims of different keys, and deletes all visible claims of those keys but the winner and the new claim. A new claim
   * that loses is kept for now: an insertion that is deleted in the same transaction would stand in no log. The next writer or
   * the server's pruning deletes it.
   *
   * @returns for each claim the one that shows afterwards, and the number of the rule that decided; 0 when the new claim shows.
   */
  writeAll(values: readonly JsonObject[]): { winner: C; rule: number }[] {
    const rivals: Placed<C>[] = []
    const results = values.map((value) => {
      const parsed = this.#rules.parse(value)
      if ('junk' in parsed) throw new Error(`invariant: a claim about to be written is junk: ${parsed.junk}`)
      const { claim } = parsed
      const standing = this.#of(this.#rules.keyOf(claim))
      const greatest = this.#greatest(standing)
      const rule = greatest === undefined ? 0 : Math.max(0, this.#rules.compare(greatest.claim, claim))
      rivals.push(...standing.filter((rival) => rule === 0 || rival !== greatest))
      return { winner: greatest === undefined || rule === 0 ? claim : greatest.claim, rule }
    })
    this.#delete(rivals)
    if (values.length > 0) this.#insert(values)
    return results
  }

  /** Deletes the live claims of these keys: all of them, or all but the winners. Returns their number. */
  remove(keys: Iterable<string>, isWinnerKept = false): number {
    const gone = [...keys].flatMap((key) => {
      const standing = this.#of(key)
      const kept = isWinnerKept ? this.#greatest(standing) : undefined
      return standing.filter((placed) => placed !== kept)
    })
    return this.#delete(gone)
  }

  /** Deletes the greatest claim of a key, wherever it stands twice. */
  removeWinner(key: string): number {
    const standing = this.#of(key)
    const winner = this.#greatest(standing)
    return this.#delete(
      standing.filter(({ claim }) => winner !== undefined && this.#rules.compare(claim, winner.claim) === 0),
    )
  }

  get #ownClock(): number {
    const { doc } = this.#transaction
    return Y.getState(doc.store, doc.clientID)
  }

  /** The claims of one key that stand now. */
  #of(key: string): Placed<C>[] {
    this.#catchUp()
    const { store } = this.#transaction.doc
    const placed = this.#placed.get(key) ?? []
    const standing = placed.filter(({ id }) => !Y.getItem(store, id).deleted)
    if (standing.length < placed.length) this.#placed.set(key, standing)
    return [...standing, ...this.#typed().filter(({ claim }) => this.#rules.keyOf(claim) === key)]
  }

  /** The greatest claim; the first of several that are the same JSON. */
  #greatest([first, ...others]: readonly Placed<C>[]): Placed<C> | undefined {
    let top = first
    for (const other of others) if (top !== undefined && this.#rules.compare(other.claim, top.claim) > 0) top = other
    return top
  }

  #typed(): Placed<C>[] {
    const { store } = this.#transaction.doc
    return this.#types.flatMap(({ raw, id }) => {
      const parsed = this.#rules.parse(raw)
      return 'claim' in parsed && !Y.getItem(store, id).deleted ? [{ claim: parsed.claim, id }] : []
    })
  }

  /** Enters the claims that this client has written since. Nobody else writes in between: see {@link isTrue}. */
  #catchUp(): void {
    const { doc } = this.#transaction
    const clock = this.#ownClock
    const structs = doc.store.clients.get(doc.clientID)
    if (clock === this.#clock || structs === undefined) return
    for (let at = Y.findIndexSS(structs, this.#clock); at < structs.length; at++) {
      const struct = structs[at]
      if (struct instanceof Y.Item && struct.parent === this.#list) this.#enter(struct)
    }
    this.#clock = clock
  }

  #enter({ id, content, deleted, countable }: Y.Item): void {
    if (deleted || !countable) return
    for (const [at, raw] of content.getContent().entries()) {
      const place = Y.createID(id.client, id.clock + at)
      if (raw instanceof Y.AbstractType) {
        this.#types.push({ raw, id: place })
        continue
      }
      const parsed = this.#rules.parse(raw)
      if ('junk' in parsed) continue
      const key = this.#rules.keyOf(parsed.claim)
      const placed = { claim: parsed.claim, id: place }
      const known = this.#placed.get(key)
      if (known === undefined) this.#placed.set(key, [placed])
      else known.push(placed)
    }
  }

  /** Deletes claims in the order of their ids, neighbours together, so that a large item is split as rarely as possible. */
  #delete(placed: readonly Placed<C>[]): number {
    const ids = placed.map(({ id }) => id).sort((a, b) => a.client - b.client || a.clock - b.clock)
    for (let start = 0; start < ids.length; ) {
      let end = start + 1
      while (follows(ids[end - 1], ids[end])) end++
      this.#deleteRun(ids[start] as Y.ID, end - start)
      start = end
    }
    // Yjs caches positions of local edits. Deleting items by id invalidates them, as remote edits do.
    if (this.#list._searchMarker !== null) this.#list._searchMarker.length = 0
    return ids.length
  }

  #deleteRun({ client, clock }: Y.ID, length: number): void {
    const { store } = this.#transaction.doc
    Y.getItemCleanEnd(this.#transaction, store, Y.createID(client, clock + length - 1))
    for (let at = clock; at < clock + length; ) {
      const item = Y.getItemCleanStart(this.#transaction, Y.createID(client, at))
      item.delete(this.#transaction)
      at += item.length
    }
  }

  /**
   * Inserts claims where they cost least, since their place in the list means nothing: right after this client's latest struct,
   * if that stands in the same list. The client's superseded claims are then neighbours with consecutive clocks, which Yjs merges
   * into one tombstone, however many writers take turns. At the end of the list, each would keep 9 bytes of its own.
   */
  #insert(values: readonly JsonObject[]): void {
    const { doc } = this.#transaction
    const last = doc.store.clients.get(doc.clientID)?.at(-1)
    const left = last instanceof Y.Item && last.parent === this.#list ? last : this.#end()
    for (let from = 0; from < values.length; from += CLAIMS_PER_ITEM) {
      // Each item goes before the previous one: Yjs merges items that stand in the order of their clocks.
      const right = left === null ? this.#list._start : left.right
      const content = new Y.ContentAny(values.slice(from, from + CLAIMS_PER_ITEM))
      const id = Y.createID(doc.clientID, this.#ownClock)
      const item = new Y.Item(id, left, left?.lastId ?? null, right, right?.id ?? null, this.#list, null, content)
      item.integrate(this.#transaction, 0)
    }
    // The cached positions are invalid, as in `#delete`.
    if (this.#list._searchMarker !== null) this.#list._searchMarker.length = 0
  }

  #end(): Y.Item | null {
    this.#tail ??= this.#list._start
    while (this.#tail?.right) this.#tail = this.#tail.right
    return this.#tail
  }
}

function follows(before: Y.ID | undefined, after: Y.ID | undefined): boolean {
  return before !== undefined && before.client === after?.client && before.clock + 1 === after.clock
}
