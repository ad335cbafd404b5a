import { isPlainObject } from '../json.ts'
import { type Machine, type MachineName, type MachineTable, makeMachine, STALLED } from './machine.ts'

/** Bounds of a table of statuses that an application registers. */
export const MACHINE_LIMITS = {
  /** Greatest length of the name before the `@`, in code units: it stands in every claim, in paths and in URLs. */
  nameLengthMax: 64,
  /** Greatest version. Nobody changes a table so often. */
  versionMax: 999_999,
  /** Greatest number of machines of one workspace: their digests go to each client that connects. */
  machinesMax: 100,
  /** Greatest numbers of statuses and of sources of one machine. State machines that people can read are far smaller. */
  statusesMax: 64,
  sourcesMax: 32,
} as const

/** Makes a machine of an application's table. Throws a plain `TypeError` that says what is wrong with the table. */
export function defineMachine<const Status extends string, const Source extends string>(
  table: MachineTable<Status, Source>,
): Machine<Status, Source> {
  assertTable(table)
  return makeMachine(table)
}

/** True for a name and a version, as `file@1`. */
export function isMachineName(value: unknown): value is MachineName {
  if (typeof value !== 'string') return false
  const match = /^([a-z][a-z0-9_-]*)@([1-9][0-9]{0,5})$/.exec(value)
  return match?.[1] !== undefined && match[1].length <= MACHINE_LIMITS.nameLengthMax
}

const WORD = /^[a-zA-Z][a-zA-Z0-9_]{0,63}$/
const PRIORITY_MAX = 1_000_000

/** Tables come from files of applications, too. */
function assertTable(table: MachineTable<string, string>): void {
  if (!isPlainObject(table) || !isMachineName(table.name))
    throw new TypeError(
      `${JSON.stringify((table as { name?: unknown } | undefined)?.name)} names no machine: write a name and a version, as "scan@1"`,
    )
  const { name, phases, ranks, sources, starts, failures, results, only, stalls } = table
  const fail = (what: string): never => {
    throw new TypeError(`Machine "${name}": ${what}`)
  }
  const isWordList = (list: unknown): boolean =>
    Array.isArray(list) && list.every((word) => typeof word === 'string' && WORD.test(word) && word !== STALLED)
  if (!Array.isArray(phases) || phases.length === 0 || !phases.every((phase) => isWordList(phase) && phase.length > 0))
    fail('"phases" must be lists of statuses, each of letters, digits and _ and not "stalled"')
  if (![ranks, starts ?? [], failures ?? [], results ?? [], stalls ?? []].every(isWordList))
    fail('"ranks", "starts", "failures", "results" and "stalls" must be lists of statuses')
  if (ranks.length > MACHINE_LIMITS.statusesMax)
    fail(`it has ${ranks.length} statuses, and may have ${MACHINE_LIMITS.statusesMax}`)
  if (starts?.length === 0) fail('"starts" must name a status')
  if (
    !isPlainObject(sources) ||
    !Object.entries(sources).every(([word, priority]) => WORD.test(word) && isPriority(priority))
  )
    fail('"sources" must give each source a priority, a whole number from 0 to 1,000,000')
  if (Object.keys(sources).length > MACHINE_LIMITS.sourcesMax)
    fail(`it has ${Object.keys(sources).length} sources, and may have ${MACHINE_LIMITS.sourcesMax}`)
  if (stalls?.some((status) => !ranks.includes(status)) === true) fail('"stalls" must name statuses of the table')
  if (only !== undefined && !(isPlainObject(only) && Object.values(only).every(isWordList)))
    fail('"only" must give lists of sources by status')
  const stallers = only?.[STALLED]
  if (stallers !== undefined && !isSourceList(stallers, sources))
    fail('"only" must name sources of the table for "stalled"')
}

function isPriority(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= PRIORITY_MAX
}

function isSourceList(list: readonly string[], sources: Readonly<Record<string, number>>): boolean {
  return list.length > 0 && list.every((source) => Object.hasOwn(sources, source))
}
