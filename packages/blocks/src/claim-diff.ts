import { canonical } from './claim-text.ts'
import type { ClaimRules, Fold, Junk, LostClaim } from './ranked-claims.ts'

/** Change of the entry of one key. */
export type EntryChange<C> =
  | { readonly kind: 'added'; readonly key: string; readonly entry: C }
  | { readonly kind: 'removed'; readonly key: string; readonly before: C }
  | {
      readonly kind: 'updated'
      readonly key: string
      readonly before: C
      readonly entry: C
      /** Number of the rule by which `entry` beats `before`; undefined when `before` was removed and `entry` stood beaten by it. */
      readonly rule: number | undefined
    }

/** Changes of a list of claims by one transaction. */
export interface ListChange<C> {
  readonly changes: readonly EntryChange<C>[]
  /** Concurrent or late claims that newly stand beaten, each with the claim that beats it and the rule that decided. */
  readonly conflicts: readonly LostClaim<C>[]
  /** Elements that are no claims, and are new. */
  readonly junk: readonly Junk[]
}

/** Difference between two folds of one list; undefined when both show and hold the same. */
export function diffFolds<C extends object>(
  before: Fold<C>,
  after: Fold<C>,
  rules: ClaimRules<C>,
): ListChange<C> | undefined {
  if (before === after) return undefined
  const changes = [...changesOf(before, after, rules)]
  const known = new Set(after.lost.length === 0 ? [] : before.lost.map(textOf))
  const conflicts = after.lost.filter((pair) => !known.has(textOf(pair)))
  const junk = after.junk.slice(before.junk.length)
  if (changes.length === 0 && conflicts.length === 0 && junk.length === 0) return undefined
  return { changes, conflicts, junk }
}

function* changesOf<C>(before: Fold<C>, after: Fold<C>, rules: ClaimRules<C>): Generator<EntryChange<C>> {
  for (const [key, entry] of after.winners) {
    const old = before.winners.get(key)
    if (old === undefined) yield { kind: 'added', key, entry }
    // An entry stays the same object until somebody writes to it.
    else if (old !== entry) {
      const rule = rules.compare(entry, old)
      if (rule !== 0) yield { kind: 'updated', key, before: old, entry, rule: rule > 0 ? rule : undefined }
    }
  }
  for (const [key, old] of before.winners) {
    if (!after.winners.has(key)) yield { kind: 'removed', key, before: old }
  }
}

function textOf<C extends object>({ winner, loser }: LostClaim<C>): string {
  return `${canonical(winner)}\n${canonical(loser)}`
}
