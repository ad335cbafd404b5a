import type { ClaimList } from '../claim-list.ts'
import { isPlainObject } from '../json.ts'
import type { ClaimRules } from '../ranked-claims.ts'
import type { Machine, MachineClaim } from './machine.ts'

/** The rules of a part that holds the claims of several machines. */
export interface MachineRules extends ClaimRules<MachineClaim> {
  readonly machines: ReadonlyMap<string, Machine>
}

/** The row of a list with such rules. */
export interface MachineRow extends ClaimList<MachineClaim> {
  readonly rules: MachineRules
}

/** The key for which the claims of one resource compete. No name of a machine has a `/`. */
export function machineKey(machine: string, name: string): string {
  return `${machine}/${name}`
}

/**
 * The rules of all these machines side by side. Claims of another machine are junk: they stay, nobody shows or prunes them, and the
 * next version of the program may know them. Throws a plain `TypeError` when two machines have one name.
 */
export function defineMachineRules(given: readonly Machine[]): MachineRules {
  const machines = new Map<string, Machine>(given.map((machine) => [machine.name, machine]))
  if (machines.size < given.length)
    throw new TypeError('Two machines have one name: give the second table another name or version')
  const of = (raw: unknown): Machine | undefined =>
    isPlainObject(raw) && Object.hasOwn(raw, 'machine') ? machines.get(String(raw.machine)) : undefined
  return {
    machines,
    keyOf: ({ machine, name }) => machineKey(machine, name),
    // Claims of one key are of one machine.
    compare: (a, b) => machines.get(a.machine)?.rules.compare(a, b) ?? 0,
    parse: (raw) => {
      // A claim is immutable JSON, which a server can check.
      if (!isPlainObject(raw)) return { junk: 'not an object' }
      const machine = of(raw)
      return machine === undefined ? { junk: 'machine' } : machine.rules.parse(raw)
    },
  }
}

/** The same rules without some machines. */
export function rulesWithout({ machines }: MachineRules, hidden: ReadonlySet<string>): MachineRules {
  return defineMachineRules([...machines.values()].filter(({ name }) => !hidden.has(name)))
}

/** The machines of a list, by name; undefined for a list of another kind. */
export function machinesOf({ rules }: ClaimList): ReadonlyMap<string, Machine> | undefined {
  return 'machines' in rules ? (rules as unknown as MachineRules).machines : undefined
}
