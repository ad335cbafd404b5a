import type * as Y from 'yjs'
import type { MachineRow } from './machine-rules.ts'

const lists = new WeakMap<Y.Doc, MachineRow>()
const hiddenNames = new WeakMap<Y.Doc, ReadonlySet<string>>()
const NONE: ReadonlySet<string> = new Set()

/** The list of statuses that a document's blocks have; undefined for Joinery's own machines. */
export function machinesIn(doc: Y.Doc): MachineRow | undefined {
  return lists.get(doc)
}

/** Says which list of statuses a document's blocks have, before anybody reads one. */
export function setMachines(doc: Y.Doc, list: MachineRow): void {
  lists.set(doc, list)
}

/** Names of the machines whose claims a document keeps and does not show: another replica has another table under the name. */
export function hiddenMachines(doc: Y.Doc): ReadonlySet<string> {
  return hiddenNames.get(doc) ?? NONE
}

export function setHiddenMachines(doc: Y.Doc, names: ReadonlySet<string>): void {
  hiddenNames.set(doc, names)
}

/** Gives a copy of a document what its original has. */
export function inheritMachines(from: Y.Doc, to: Y.Doc): void {
  const list = lists.get(from)
  if (list !== undefined) lists.set(to, list)
  const names = hiddenNames.get(from)
  if (names !== undefined) hiddenNames.set(to, names)
}
