import { defineStatusRules, type StatusClaim, type StatusRules, type StatusTable } from '../status-rules.ts'
import { MACHINE_PROPERTIES, type MachineExtras, stalledProperty } from './machine-properties.ts'
import { RESERVED_SOURCES } from './reserved-sources.ts'

/** Name and version of a machine. Another table is another version. */
export type MachineName = `${string}@${number}`

/** The word in `only` that says who may set the flag `stalled`. */
export const STALLED = 'stalled'

/** A named table of statuses, and what its claims may say beyond it. */
export interface MachineTable<Status extends string, Source extends string>
  extends Omit<StatusTable<Status, Source>, 'key' | 'ofRun' | 'ofReport' | 'only' | 'hasLegacy'> {
  readonly name: MachineName
  /** Statuses that a run may begin with, the usual one first. Those of the first two phases when left out. */
  readonly starts?: readonly Status[]
  /** The only sources that may say a status, or set the flag `stalled`. */
  readonly only?: { readonly [S in NoInfer<Status> | typeof STALLED]?: readonly NoInfer<Source>[] }
  /** Statuses that may carry the flag `stalled`. None when left out. */
  readonly stalls?: readonly NoInfer<Status>[]
}

export type MachineClaim<Status extends string = string, Source extends string = string> = StatusClaim<
  Status,
  Source,
  MachineExtras
>

/** The law of one kind of resource: a table under a name and a version. */
export interface Machine<Status extends string = string, Source extends string = string> {
  readonly name: MachineName
  readonly rules: StatusRules<Status, Source, MachineExtras>
  readonly table: Required<MachineTable<Status, Source>>
}

/** Makes a machine of a table that is known to be right: see {@link defineMachine}. */
export function makeMachine<const Status extends string, const Source extends string>(
  given: MachineTable<Status, Source>,
): Machine<Status, Source> {
  const { name, stalls = [], only = {}, ...rest } = given
  const starts = given.starts ?? given.phases.slice(0, 2).flat()
  const failures = given.failures ?? given.ranks.filter((status) => ['error', 'failed'].includes(status))
  const { [STALLED]: mayStall, ...onlyOfStatus } = only as Readonly<Record<string, readonly Source[]>>
  const rules = defineStatusRules<Status, Source, MachineExtras>({
    ...rest,
    starts,
    failures,
    only: onlyOfStatus as NonNullable<StatusTable<Status, Source>['only']>,
    hasLegacy: false,
    key: 'name',
    ofRun: { machine: MACHINE_PROPERTIES.machine(name) },
    ofReport: { ...MACHINE_PROPERTIES.ofReport, [STALLED]: stalledProperty(stalls, mayStall) },
  })
  const { phases, ranks, sources, results } = rules.table
  const table = { name, phases, ranks, sources, starts, failures, results, only, stalls } as const
  return Object.freeze({ name, rules, table: table as Required<MachineTable<Status, Source>> })
}

/** True for a source that nobody may speak for but the server, and services to which a token grants it by name. */
export function isReservedSource(source: string): boolean {
  return RESERVED_SOURCES.includes(source)
}
