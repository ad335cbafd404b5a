import type { ClaimList } from './claim-list.ts'
import { FIELD_ORDER_RULES } from './field-rules.ts'
import { ORDER_RULES } from './status-rules.ts'

/** A rule of a list's order in words. A function apart from the list's row, so that only a server loads the words. */
export function ruleWords({ words, mark }: ClaimList, rule: number): string {
  const known: Readonly<Record<number, string>> = words ?? (mark === 'run' ? ORDER_RULES : FIELD_ORDER_RULES)
  return known[rule] ?? `rule ${rule}`
}
