import type { ClaimList, MachineList } from '@joinery/blocks'

/** The list of statuses among a block's lists; undefined when an application's table has none. */
export function machineListOf(lists: readonly ClaimList[]): MachineList | undefined {
  return lists.find(({ part, rules }) => part === 'statuses' && 'machines' in rules) as unknown as
    | MachineList
    | undefined
}
