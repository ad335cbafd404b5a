/**
 * The rules of one kind of claims. Statuses and fields stand on the same primitive: a Y.Array is the set of claims that nobody
 * has superseded yet. A writer adds a claim and deletes the claims that it sees and beats. A reader takes the greatest claim of
 * each key. Nobody arbitrates.
 */
export interface ClaimRules<C> {
  /** Reads one element of the array. Never throws, whatever a stock client put there. Equal elements give equal claims. */
  parse(raw: unknown): ParsedClaim<C>
  /** The claim's key. Claims of one key compete. */
  keyOf(claim: C): string
  /**
   * Compares two claims of one key by a total order. The sign tells the winner (positive: `a`). The magnitude is the number of
   * the rule in SPEC.md that decided. 0 only for claims that are the same JSON.
   */
  compare(a: C, b: C): number
}

export type ParsedClaim<C> = { readonly claim: C } | { readonly junk: string }

/** A claim that stands in the document and does not show, since `winner` beats it by rule number `rule`. */
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

/** The content of one list, folded. Immutable. */
export interface Fold<C> {
  /** The winner of each key, by key. */
  readonly winners: ReadonlyMap<string, C>
  /** The winners, sorted by key in code unit order. */
  readonly entries: readonly C[]
  readonly lost: readonly LostClaim<C>[]
  readonly junk: readonly Junk[]
}

/** The fold of every list without elements. Most blocks of a large workspace have such lists alone. */
export const EMPTY_FOLD: Fold<never> = Object.freeze({
  winners: new Map<string, never>(),
  entries: Object.freeze([]),
  lost: Object.freeze([]),
  junk: Object.freeze([]),
})

/** Folds every live element of the list: a Y.Array, or a stock client's plain array in its place. */
export function foldClaims<C>(list: Iterable<unknown> & { readonly length: number }, rules: ClaimRules<C>): Fold<C> {
  if (list.length === 0) return EMPTY_FOLD
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
  // Two copies of one claim (by an undone deletion, or by a stock client) are no conflict.
  return rule === 0 ? undefined : { winner, loser, rule }
}
