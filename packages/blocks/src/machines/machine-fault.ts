import type { ClaimList } from '../claim-list.ts'
import { machinesOf } from './machine-rules.ts'

/** The fault of an element with the mark of a claim: which machine, status or source is the wrong one. */
export interface MachineFault {
  /** True if another writer could say this. */
  readonly isForbidden: boolean
  /** Explanation of the fault and of what to do. */
  readonly reason: string
}

/** The fault of an element that is no claim of a list's machines; undefined for another list, and where there is no more to say. */
export function machineFault(list: ClaimList, element: Readonly<Record<string, unknown>>): MachineFault | undefined {
  const machines = machinesOf(list)
  if (machines === undefined) return undefined
  const own = (property: string): unknown => (Object.hasOwn(element, property) ? element[property] : undefined)
  const name = String(own('machine')).slice(0, 80)
  const machine = machines.get(String(own('machine')))
  if (machine === undefined) {
    const reason = `there is no machine "${name}" here: register its table with the server, too`
    return { isForbidden: false, reason }
  }
  const { table, rules } = machine
  const [status, source] = [own('status'), own('source')]
  if (!rules.isStatus(status)) {
    const reason = `${name} has no status "${String(status).slice(0, 80)}": it has ${table.ranks.join(', ')}`
    return { isForbidden: false, reason }
  }
  if (!rules.isSource(source)) {
    const reason = `${name} has no source "${String(source).slice(0, 80)}": it has ${Object.keys(table.sources).join(', ')}`
    return { isForbidden: false, reason }
  }
  const { [status]: sayers, stalled: stallers } = table.only as Readonly<Record<string, readonly string[] | undefined>>
  if (!rules.maySay(status, source)) {
    const reason = `the status ${status} of ${name} is said by ${sayers?.join(' or ')}, not by ${source}`
    return { isForbidden: true, reason }
  }
  if (own('stalled') !== undefined && stallers !== undefined && !stallers.includes(source)) {
    const reason = `the flag stalled of ${name} is set by ${stallers.join(' or ')}, not by ${source}`
    return { isForbidden: true, reason }
  }
  return undefined
}
