import * as Y from 'yjs'
import type { JsonObject } from './json.ts'

/**
 * The one primitive under statuses and fields: a Y.Array is the set of claims that nobody has superseded yet. A writer
 * adds a claim and deletes those it sees and beats; a reader takes the maximum of each key. Nobody arbitrates.
 */
export interface ClaimRules<C> {
  /** Reads one array element. Never throws, whatever a stock client pushed. Equal input gives an equal claim. */
  parse(raw: unknown): ParsedClaim<C>
  /** What the claim is about: claims of one key compete. */
  keyOf(claim: C): string
  /**
   * A total order on the claims of one key: the sign says who wins (positive: `a`), the magnitude is the number of the
   * rule in SPEC.md that decided. 0 only for claims that are the same JSON.
   */
  compare(a: C, b: C): number
}

export type ParsedClaim<C> = { readonly claim: C } | { readonly junk: string }

/** A claim that stands in the document and is not shown, since `winner` beats it by rule number `rule`. */
export interface LostClaim<C> {
  readonly winner: C
  readonly loser: C
  readonly rule: number
}
/** An array element that is no claim. `index` is its place in the array. */
export interface Junk {
  readonly index: number
  readonly reason: string
}

/** What one list says. Immutable. */
export interface Fold<C> {
  /** The winner of each key, by key. */
  readonly winners: ReadonlyMap<string, C>
  /** The winners, sorted by key in code unit order. */
  readonly entries: readonly C[]
  readonly lost: readonly LostClaim<C>[]
  readonly junk: readonly Junk[]
}

/** Reads every live element of the list (a Y.Array, or the plain array a stock client left in its place). */
export function foldClaims<C>(list: Iterable<unknown>, rules: ClaimRules<C>): Fold<C> {
  const winners = new Map<string, C>()
  const beaten: C[] = []
  const junk: Junk[] = []
  let index = 0
  for (const raw of list) {
    const parsed = rules.parse(raw)
    if ('junk' in parsed) junk.push({ index, reason: parsed.junk })
    else keepGreater(winners, beaten, parsed.claim, rules)
    index += 1
  }
  const lost = beaten.map((loser) => lostClaim(winners, loser, rules)).filter((pair) => pair !== undefined)
  const entries = [...winners].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim)
  return Object.freeze({
    winners,
    entries: Object.freeze(entries),
    lost: Object.freeze(lost),
    junk: Object.freeze(junk),
  })
}

function keepGreater<C>(winners: Map<string, C>, beaten: C[], claim: C, rules: ClaimRules<C>): void {
  const key = rules.keyOf(claim)
  const standing = winners.get(key)
  if (standing === undefined) winners.set(key, claim)
  else if (rules.compare(claim, standing) > 0) {
    winners.set(key, claim)
    beaten.push(standing)
  } else beaten.push(claim)
}

function lostClaim<C>(winners: ReadonlyMap<string, C>, loser: C, rules: ClaimRules<C>): LostClaim<C> | undefined {
  const winner = winners.get(rules.keyOf(loser))
  if (winner === undefined) return undefined
  const rule = rules.compare(winner, loser)
  // Two copies of one claim (an undone deletion, a duplicate by a stock client) are no conflict.
  return rule === 0 ? undefined : { winner, loser, rule }
}

/**
 * Adds a claim inside the caller's transaction and deletes what it leaves beaten: all visible claims of its key but the
 * winner and itself. A claim that loses on arrival is kept for now, since an insertion deleted in the same transaction
 * would reach nobody's log; the next writer or the server's pruning takes it away.
 *
 * @returns the claim that is shown afterwards and, when that is another one, the rule that decided.
 */
export function writeClaim<C>(
  transaction: Y.Transaction,
  list: Y.Array<unknown>,
  value: JsonObject,
  rules: ClaimRules<C>,
): { winner: C; rule: number } {
  const parsed = rules.parse(value)
  if ('junk' in parsed) throw new Error(`invariant: a claim about to be written is junk: ${parsed.junk}`)
  const { claim } = parsed
  const key = rules.keyOf(claim)
  const rivals = claimsOf(list, key, rules)
  const best = rivals.reduce<C>((top, rival) => (rules.compare(rival.claim, top) > 0 ? rival.claim : top), claim)
  for (const rival of rivals.reverse()) if (rival.claim !== best) list.delete(rival.index)
  insertBesideOwnLast(transaction, list, [value])
  return { winner: best, rule: best === claim ? 0 : rules.compare(best, claim) }
}

/** Deletes every live claim of one key inside the caller's transaction; how many there were. */
export function deleteClaims<C>(list: Y.Array<unknown>, key: string, rules: ClaimRules<C>): number {
  const claims = claimsOf(list, key, rules)
  for (const claim of claims.reverse()) list.delete(claim.index)
  return claims.length
}

/** Deletes every claim that another one in the list beats (and surplus copies of a winner); how many there were. Junk stays. */
export function deleteBeaten<C>(list: Y.Array<unknown>, rules: ClaimRules<C>): number {
  const { winners } = foldClaims(list, rules)
  const kept = new Set<string>()
  const beaten: number[] = []
  let index = 0
  for (const raw of list) {
    const parsed = rules.parse(raw)
    if ('claim' in parsed) {
      const key = rules.keyOf(parsed.claim)
      const winner = winners.get(key)
      const isWinner = winner !== undefined && rules.compare(winner, parsed.claim) === 0
      if (isWinner && !kept.has(key)) kept.add(key)
      else beaten.push(index)
    }
    index += 1
  }
  for (const at of beaten.reverse()) list.delete(at)
  return beaten.length
}

function claimsOf<C>(list: Y.Array<unknown>, key: string, rules: ClaimRules<C>): { claim: C; index: number }[] {
  const claims: { claim: C; index: number }[] = []
  let index = 0
  for (const raw of list) {
    const parsed = rules.parse(raw)
    if ('claim' in parsed && rules.keyOf(parsed.claim) === key) claims.push({ claim: parsed.claim, index })
    index += 1
  }
  return claims
}

/**
 * One item for all of them: Yjs merges neighbours one by one, and 16,000 took it a gigabyte.
 * Place means nothing in a claim list, so claims go where they cost least: right after this client's latest struct if
 * that stands in the same list. The client's superseded claims are then neighbours with consecutive clocks, which Yjs
 * merges into one tombstone however many writers take turns; pushed at the end, each would keep its own 9 bytes.
 */
export function insertBesideOwnLast(
  transaction: Y.Transaction,
  list: Y.Array<unknown>,
  values: readonly JsonObject[],
): void {
  const { doc } = transaction
  const last = doc.store.clients.get(doc.clientID)?.at(-1)
  if (!(last instanceof Y.Item) || last.parent !== list) {
    list.push([...values])
    return
  }
  const { right } = last
  const id = Y.createID(doc.clientID, Y.getState(doc.store, doc.clientID))
  const item = new Y.Item(id, last, last.lastId, right, right?.id ?? null, list, null, new Y.ContentAny([...values]))
  item.integrate(transaction, 0)
  // Yjs caches positions of local edits; an item put in by id makes them wrong, as a remote one does.
  if (list._searchMarker !== null) list._searchMarker.length = 0
}
