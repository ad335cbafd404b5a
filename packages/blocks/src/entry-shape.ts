import type { ClaimList } from './claim-list.ts'
import type { ClaimProperty } from './claim-property.ts'
import type { Machine } from './machines/machine.ts'
import { machinesOf } from './machines/machine-rules.ts'
import type { StatusRules } from './status-rules.ts'

/** The properties of a status list's entries, as far as they differ from list to list. */
export interface EntryShape {
  /** The property that names the subject of the entry. */
  readonly key: string
  readonly statuses: readonly string[]
  readonly sources: readonly string[]
  /** Optional properties, by name. */
  readonly properties: Readonly<Record<string, ClaimProperty>>
}

/** Shape of the entries that a list shows, for descriptions; `value` for a list that shows a value for each key. */
export function entryShape(list: ClaimList): EntryShape | 'value' {
  const machines = machinesOf(list)
  if (machines !== undefined) return shapeOfMachines([...machines.values()])
  const rules = statusRulesOf(list)
  return rules === undefined ? 'value' : statusShape(rules)
}

/** Shape of the entries of a list with these rules. */
export function statusShape<Status extends string, Source extends string, Extras extends object>(
  rules: StatusRules<Status, Source, Extras>,
): EntryShape {
  const { key, table, properties } = rules
  return { key, statuses: table.ranks, sources: Object.keys(table.sources), properties }
}

/** The rules of a list of statuses; undefined for another list. */
export function statusRulesOf({ rules }: ClaimList): StatusRules<string, string> | undefined {
  return 'table' in rules ? (rules as unknown as StatusRules<string, string>) : undefined
}

/** Shape of the entries of all these machines: each may say what one of them may say. */
function shapeOfMachines(machines: readonly Machine[]): EntryShape {
  const all = (wordsOf: (machine: Machine) => readonly string[]): readonly string[] => [
    ...new Set(machines.flatMap(wordsOf)),
  ]
  return {
    key: 'name',
    statuses: all(({ table }) => table.ranks),
    sources: all(({ table }) => Object.keys(table.sources)),
    properties: Object.assign({}, ...machines.map(({ rules }) => rules.properties)),
  }
}
