import * as Y from 'yjs'
import { BlockClaims } from '../block-claims.ts'
import { isPlainObject, isSameJson, type Json, toPlain } from '../json.ts'
import { badArgument } from '../write-arguments.ts'
import type { Machine, MachineClaim } from './machine.ts'
import { machineDigest } from './machine-digest.ts'
import type { MachineRow } from './machine-rules.ts'
import { MachineStatuses } from './machine-statuses.ts'

const NONE: readonly never[] = Object.freeze([])

/** All statuses of one block, of every machine. Written by way of {@link of}. */
export class BlockStatuses extends BlockClaims<MachineClaim, readonly MachineClaim[]> {
  readonly #block: Y.Map<unknown>
  readonly #blockId: string
  readonly #list: MachineRow
  readonly #opened = new Map<string, MachineStatuses>()
  #raw: readonly Readonly<Record<string, unknown>>[] = NONE
  #rawOf: readonly unknown[] = NONE

  constructor(block: Y.Map<unknown>, blockId: string, list: MachineRow) {
    super(block, blockId, list)
    this.#block = block
    this.#blockId = blockId
    this.#list = list
  }

  /** The statuses of one machine. Each call returns the same object. Throws `bad_argument` for a machine that is not in the table. */
  of<Status extends string, Source extends string>(machine: Machine<Status, Source>): MachineStatuses<Status, Source>
  of(machine: Machine | string): MachineStatuses
  of(machine: Machine | string): MachineStatuses {
    const registered = this.machine(machine)
    const known = this.#opened.get(registered.name)
    if (known !== undefined) return known
    const made = new MachineStatuses(this.#block, this.#blockId, this.#list, registered)
    this.#opened.set(registered.name, made)
    return made
  }

  /** The table's machine of this name. Throws as {@link of}. */
  machine(machine: Machine | string): Machine {
    const name = typeof machine === 'string' ? machine : machine?.name
    const registered = this.#list.rules.machines.get(name)
    if (registered === undefined)
      throw badArgument(
        'machine',
        `a machine of this document (${[...this.#list.rules.machines.keys()].join(', ')})`,
        name,
      )
    if (typeof machine === 'object' && machine !== registered && machineDigest(machine) !== machineDigest(registered))
      throw badArgument('machine', `the table that is registered as ${name}`, machine)
    return registered
  }

  /** The machines of the table. */
  machines(): Iterable<Machine> {
    return this.#list.rules.machines.values()
  }

  /**
   * Elements that look like statuses of machines that this replica can't read: of another version of the program, or with another
   * table under the same name. As frozen plain data, in the order of the list. The same array until one of them changes.
   */
  raw(): readonly Readonly<Record<string, unknown>>[] {
    const junk = this.view?.fold.junk ?? NONE
    if (junk === this.#rawOf) return this.#raw
    this.#rawOf = junk
    const elements = this.view === undefined ? undefined : this.#block.get(this.#list.part)
    const all: unknown[] = elements instanceof Y.Array ? elements.toArray() : Array.isArray(elements) ? elements : []
    const opaque = junk.filter(({ reason }) => reason === 'machine')
    const raw = opaque.flatMap(({ index }) => {
      const element = all[index]
      return isPlainObject(element) && Object.hasOwn(element, 'machine')
        ? [toPlain(element) as Readonly<Record<string, unknown>>]
        : []
    })
    if (!isSameJson(raw as Json[], this.#raw as Json[])) this.#raw = Object.freeze(raw)
    return this.#raw
  }

  toJSON(): readonly MachineClaim[] {
    return [...this.entries()]
  }
}
