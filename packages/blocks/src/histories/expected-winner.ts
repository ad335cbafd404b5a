import type { IndexingEntry } from '../indexing-rules.ts'

/**
 * The claim that should win, found by elimination, rule after rule, as SPEC.md describes it. It compares no two claims and shares
 * no code with the fold. The history tests use it as their oracle.
 */
export function expectedWinner(claims: readonly IndexingEntry[]): IndexingEntry | undefined {
  let left = [...claims]
  left = keepHighest(left, (claim) => claim.run.no)
  left = keepHighest(left, (claim) => PRIORITY.indexOf(claim.run.source))
  left = keepLast(left, (claim) => claim.run.id)
  left = keepHighest(left, (claim) => (isResult(claim) ? 3 : claim.status === 'processing' ? 2 : 1))
  if (left.every(isResult)) left = keepHighest(left, (claim) => PRIORITY.indexOf(claim.source))
  left = keepHighest(left, (claim) => ['notStarted', 'processing', 'done', 'error'].indexOf(claim.status))
  left = keepLast(left, (claim) => claim.actor)
  left = keepHighest(left, (claim) => claim.at)
  left = keepLast(left, sortedJson)
  return left[0]
}

const PRIORITY = ['polling_sync', 'instantiation', 'workflow_execution', 'user_action']

export function isResult(claim: IndexingEntry): boolean {
  return claim.status === 'done' || claim.status === 'error'
}

/** True if `challenger` may not start a run over `standing`: that is unfinished, and the source that started it ranks higher. */
export function isExpectedToStand(standing: IndexingEntry, challenger: string): boolean {
  return !isResult(standing) && PRIORITY.indexOf(standing.run.source) > PRIORITY.indexOf(challenger)
}

function keepHighest(claims: IndexingEntry[], measure: (claim: IndexingEntry) => number): IndexingEntry[] {
  const highest = Math.max(...claims.map(measure))
  return claims.filter((claim) => measure(claim) === highest)
}

function keepLast(claims: IndexingEntry[], text: (claim: IndexingEntry) => string): IndexingEntry[] {
  const last = claims.map(text).sort().at(-1)
  return claims.filter((claim) => text(claim) === last)
}

/** Text that differs for two claims that are equal otherwise, whatever the order of their keys. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
