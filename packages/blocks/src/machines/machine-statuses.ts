import type * as Y from 'yjs'
import { BlocksError } from '../blocks-error.ts'
import type { EntryChange, ListChange } from '../claim-diff.ts'
import type { ClaimList, Run } from '../claim-list.ts'
import { type RunOptions, StatusList, type StatusReport, type StatusReportResult } from '../status-list.ts'
import { hiddenMachines } from './doc-machines.ts'
import type { Machine, MachineClaim } from './machine.ts'
import type { MachineExtras } from './machine-properties.ts'
import { type MachineRow, machineKey } from './machine-rules.ts'

/** The statuses of one machine in one block, by the names of their resources. */
export class MachineStatuses<Status extends string = string, Source extends string = string> extends StatusList<
  Status,
  Source,
  MachineExtras
> {
  readonly machine: Machine<Status, Source>
  readonly #block: Y.Map<unknown>
  #shown: readonly MachineClaim<Status, Source>[] = Object.freeze([])
  #shownOf: readonly unknown[] | undefined

  constructor(block: Y.Map<unknown>, blockId: string, list: MachineRow, machine: Machine<Status, Source>) {
    super(block, blockId, list as unknown as ClaimList<MachineClaim<Status, Source>>, {
      rules: machine.rules,
      noun: 'resource',
      keyOf: (name) => machineKey(machine.name, name),
      fixed: { machine: machine.name },
      isToldAtStart: true,
    })
    this.machine = machine
    this.#block = block
  }

  /** True if the server has another table, or none, under this machine's name: nothing shows, and nothing can be written. */
  get isMismatched(): boolean {
    const { doc } = this.#block
    return doc !== null && hiddenMachines(doc).has(this.machine.name)
  }

  /** The shown entries, sorted by name. The same frozen array until one of them changes. */
  override entries(): readonly MachineClaim<Status, Source>[] {
    const all = super.entries()
    if (all === this.#shownOf) return this.#shown
    const mine = all.filter(({ machine }) => machine === this.machine.name)
    const isSame = mine.length === this.#shown.length && mine.every((entry, index) => entry === this.#shown[index])
    if (!isSame) this.#shown = Object.freeze(mine)
    this.#shownOf = all
    return this.#shown
  }

  /** Calls `listener` once after each transaction that changed a status of this machine; returns unsubscribe. Its keys are names. */
  override observe(
    listener: (change: ListChange<MachineClaim<Status, Source>>, transaction: Y.Transaction) => void,
  ): () => void {
    return super.observe(({ changes, conflicts }, transaction) => {
      const mine = {
        changes: changes.flatMap((change) => this.#own(change)),
        conflicts: conflicts.filter(({ winner }) => winner.machine === this.machine.name),
        junk: [],
      }
      if (mine.changes.length + mine.conflicts.length > 0) listener(mine, transaction)
    })
  }

  /**
   * Starts a run: of a resource that has none, or once more. Throws as {@link StatusList.startRun}, `bad_argument` for a status that
   * the source may not say, and `machine_mismatch`.
   */
  override startAnyRun(name: string, options: RunOptions<Status, Source> & Partial<MachineExtras>): Run<Source> {
    this.#assertMatching()
    return super.startAnyRun(name, options)
  }

  /** Reports on a run. Throws as {@link StatusList.report}, `bad_argument` for a status that the source may not say, and `machine_mismatch`. */
  override report(
    name: string,
    run: Run<Source>,
    status: Status,
    options: StatusReport<Source> & Partial<MachineExtras>,
  ): StatusReportResult<MachineClaim<Status, Source>> {
    this.#assertMatching()
    return super.report(name, run, status, options)
  }

  override remove(name: string): boolean {
    this.#assertMatching()
    return super.remove(name)
  }

  #own(change: EntryChange<MachineClaim<Status, Source>>): EntryChange<MachineClaim<Status, Source>>[] {
    const { machine, name } = change.kind === 'removed' ? change.before : change.entry
    return machine === this.machine.name ? [{ ...change, key: name }] : []
  }

  #assertMatching(): void {
    if (!this.isMismatched) return
    throw new BlocksError(
      'machine_mismatch',
      `The server has another table for the machine "${this.machine.name}", or none: register the same with both`,
      'machine',
    )
  }
}

/** The status that people are shown: `stalled` for a run that is stuck. */
export function shownStatus<Status extends string>(entry: MachineClaim<Status>): Status | 'stalled' {
  return entry.stalled === undefined ? entry.status : 'stalled'
}
