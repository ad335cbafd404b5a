import { type ClaimList, getBlock } from '@joinery/blocks'
import type * as Y from 'yjs'
import { machineListOf } from '../machine-list.ts'
import type { OfKind, Operation } from '../writes/operation-kinds.ts'

/** Stands for the id of whichever run stands. */
const STANDING = 'standing'

/** The saga that an adapter's worker serves for runs of a machine has the machine's name, and others of it begin with `<machine>.`. */
export function isSagaOf(saga: string, machine: string): boolean {
  return saga === machine || saga.startsWith(`${machine}.`)
}

/** Whether the statuses of a machine are said by a provider, and not by the server itself. */
export function isOfProvider(machine: string, lists: readonly ClaimList[]): boolean {
  const sources = machineListOf(lists)?.rules.machines.get(machine)?.table.sources ?? {}
  return Object.hasOwn(sources, 'provider') && !Object.hasOwn(sources, 'resources')
}

/**
 * The operations of an adapter's step as they fit the document now. A report on a resource that is gone is left out: the service has
 * done the work all the same. Two tabs that start a run at once give it one number and ask for one task, so a report goes to the run
 * of its number that stands. Operations of other sagas stay as they are.
 */
export function fitReports(
  doc: Y.Doc,
  operations: readonly Operation[],
  saga: string,
  lists: readonly ClaimList[],
): readonly Operation[] {
  return operations.flatMap((operation) => {
    if (operation.op !== 'reportStatus' || !isSagaOf(saga, operation.machine)) return [operation]
    return fitReport(doc, operation, lists)
  })
}

function fitReport(doc: Y.Doc, operation: OfKind<'reportStatus'>, lists: readonly ClaimList[]): Operation[] {
  const list = machineListOf(lists)
  const block = getBlock(doc, operation.block)
  if (list?.rules.machines.has(operation.machine) !== true || block === undefined) return []
  const statuses = block.claims(list).of(operation.machine)
  const standing = statuses.isMismatched ? undefined : statuses.get(operation.name)
  if (standing === undefined) return []
  // A run that another one has taken the place of is told of by nobody, unless the report brings the run itself.
  if (operation.started === undefined && ![STANDING, standing.run.id].includes(operation.run)) return []
  const isSame = operation.started === undefined || operation.started.no === standing.run.no
  return [isSame ? { ...operation, run: standing.run.id } : operation]
}
