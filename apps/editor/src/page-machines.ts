import { type ClaimList, claimListsWith, defineMachine, type MachineTable } from '@joinery/blocks'

/** Id of the element in which the server gives the page the application's own machines, as a JSON list of their tables. */
const ELEMENT = 'machines'

/** The lists of claims of this page's blocks, with the statuses of the machines that its server has. */
export const LISTS = claimListsWith(readTables(document.getElementById(ELEMENT)?.textContent).map(defineMachine))
/** The statuses among them. */
export const [, , STATUSES] = LISTS satisfies readonly ClaimList[]

/** The tables are the server's own, which has checked them. */
function readTables(text: string | null | undefined): readonly MachineTable<string, string>[] {
  return text ? (JSON.parse(text) as MachineTable<string, string>[]) : []
}
