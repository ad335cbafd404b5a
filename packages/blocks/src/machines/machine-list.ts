import type * as Y from 'yjs'
import type { ClaimList } from '../claim-list.ts'
import type { ClaimRules } from '../ranked-claims.ts'
import { BlockStatuses } from './block-statuses.ts'
import { hiddenMachines } from './doc-machines.ts'
import { isReservedSource, type Machine, type MachineClaim, STALLED } from './machine.ts'
import { defineMachineRules, type MachineRules, rulesWithout } from './machine-rules.ts'

/** The row of the statuses of some machines in the table of lists. */
export interface MachineList extends ClaimList<MachineClaim, BlockStatuses, MachineClaim> {
  readonly part: 'statuses'
  readonly told: { readonly list: 'statuses'; readonly key: 'resource' }
  readonly rules: MachineRules
}

/** Makes the row of these machines. Throws a plain `TypeError` when two machines have one name. */
export function machineClaims(machines: readonly Machine[]): MachineList {
  const rules = defineMachineRules(machines)
  const without = new WeakMap<ReadonlySet<string>, ClaimRules<MachineClaim>>()
  const list: MachineList = {
    part: 'statuses',
    rules,
    told: { list: 'statuses', key: 'resource' },
    mark: 'run',
    isUndoable: false,
    rulesIn(doc: Y.Doc): ClaimRules<MachineClaim> {
      const hidden = hiddenMachines(doc)
      if (hidden.size === 0) return rules
      let fewer = without.get(hidden)
      if (fewer === undefined) {
        fewer = rulesWithout(rules, hidden)
        without.set(hidden, fewer)
      }
      return fewer
    },
    isReserved: isReservedSource,
    isGuarded: ({ machine, status, source, stalled }) => {
      if (isReservedSource(source)) return true
      const only = rules.machines.get(machine)?.table.only as Readonly<Record<string, unknown>> | undefined
      return only?.[status] !== undefined || (stalled !== undefined && only?.[STALLED] !== undefined)
    },
    isResult: ({ machine, status }) => rules.machines.get(machine)?.rules.isFinished(status) === true,
    numberOf: ({ run }) => run.no,
    runOf: ({ run }) => run,
    shownOf: (claim) => claim,
    open: (block, blockId) => new BlockStatuses(block, blockId, list),
  }
  return list
}
