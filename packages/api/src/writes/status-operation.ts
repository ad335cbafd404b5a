import type {
  Block,
  BlockStatuses,
  ClaimAuthor,
  ClaimList,
  Json,
  JsonObject,
  Machine,
  MachineClaim,
  Run,
} from '@joinery/blocks'
import { ApiError, supersededBy } from '../api-error.ts'
import { machineListOf } from '../machine-list.ts'
import type { StatusOperation } from './operation-kinds.ts'

/** True for the name of a machine that the server has. */
export function hasMachine(name: string, lists: readonly ClaimList[]): boolean {
  return machineListOf(lists)?.rules.machines.has(name) === true
}

/** The statuses of a block, and the machine of this name. Throws `unknown_machine`. */
export function statusesOf(
  block: Block,
  name: string,
  lists: readonly ClaimList[],
): { readonly statuses: BlockStatuses; readonly machine: Machine } {
  const list = machineListOf(lists)
  const machine = list?.rules.machines.get(name)
  if (list !== undefined && machine !== undefined) return { statuses: block.claims(list), machine }
  throw unknownMachine(name, lists)
}

function unknownMachine(name: string, lists: readonly ClaimList[]): ApiError {
  const machines = [...(machineListOf(lists)?.rules.machines.keys() ?? [])]
  const message = `there is no machine "${name}" here: register its table with the server, or use one of ${machines.join(', ')}`
  return new ApiError('unknown_machine', message, { details: { machines } })
}

/** Throws where {@link runStatusOperation} would throw. */
export function checkStatusOperation(
  block: Block,
  operation: StatusOperation,
  { source }: ClaimAuthor,
  lists: readonly ClaimList[],
): void {
  const { statuses, machine } = statusesOf(block, operation.machine, lists)
  const { rules, table, name } = machine
  if (!rules.isSource(source)) {
    const sources = Object.keys(table.sources).join(', ')
    throw new ApiError(
      'forbidden',
      `"${source}" may not write statuses of ${name}: X-Joinery-Source is one of ${sources}`,
    )
  }
  const standing = statuses.of(machine).get(operation.name)
  if (operation.op === 'startStatus') {
    const { status = table.starts[0] ?? '', runId } = operation
    if (!table.starts.includes(status))
      throw new ApiError('invalid', `a run of ${name} begins with ${table.starts.join(' or ')}, not with "${status}"`)
    assertSays(machine, { ...toldOf(operation), status, source })
    const isSame = standing !== undefined && standing.run.id === runId
    if (standing !== undefined && !isSame && !rules.canStart(standing, source)) throw superseded(standing)
    return
  }
  if (standing === undefined)
    throw new ApiError('unknown_status', `block "${block.id}" has no ${name} "${operation.name}": start a run`)
  if (operation.op === 'removeStatus') return
  assertSays(machine, { ...toldOf(operation), status: operation.status, source })
  if (standing.run.id !== operation.run && lateRun(machine, operation, standing) === undefined)
    throw superseded(standing)
}

/** Makes the edit, after {@link checkStatusOperation}. */
export function runStatusOperation(
  block: Block,
  operation: StatusOperation,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
): void {
  const { statuses, machine } = statusesOf(block, operation.machine, lists)
  const list = statuses.of(machine)
  const { name } = operation
  if (operation.op === 'removeStatus') {
    list.remove(name)
    return
  }
  const told = { ...author, ...toldOf(operation) }
  if (operation.op === 'startStatus') {
    const { status, runId } = operation
    list.startRun(name, { ...told, ...(status !== undefined && { status }), ...(runId !== undefined && { runId }) })
    return
  }
  const standing = list.get(name)
  if (standing === undefined)
    throw new ApiError('unknown_status', `block "${block.id}" has no ${machine.name} "${name}"`)
  const run = standing.run.id === operation.run ? standing.run : lateRun(machine, operation, standing)
  if (run === undefined) throw superseded(standing)
  list.report(name, run, operation.status, told)
}

/** The properties of the claim that an operation writes, beside those of its run and its author. */
export function toldOf(operation: Exclude<StatusOperation, { op: 'removeStatus' }>): Record<string, Json> {
  const { error, progress, total, attempt, retryAt, stalled, detail, task } = operation
  const all: Record<string, Json | undefined> = {
    error,
    progress,
    total,
    attempt,
    retry_at: retryAt,
    stalled: stalled as JsonObject | undefined,
    detail,
    task,
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, Json] => entry[1] !== undefined))
}

/** Throws `forbidden` for what only others may say, and `invalid` for what nobody may. */
function assertSays({ name, rules, table }: Machine, claim: Readonly<Record<string, Json>>): void {
  const { status, source } = claim
  const only = table.only as Readonly<Record<string, readonly string[] | undefined>>
  if (!rules.isStatus(status))
    throw new ApiError('invalid', `${name} has no status "${String(status)}": it has ${table.ranks.join(', ')}`)
  for (const said of claim.stalled === undefined ? [status] : [status, 'stalled']) {
    const sources = Object.hasOwn(only, said) ? only[said] : undefined
    if (sources !== undefined && !sources.includes(String(source)))
      throw new ApiError(
        'forbidden',
        `"${said}" of ${name} is said by ${sources.join(' or ')}, not by ${String(source)}`,
      )
  }
  if (claim.error !== undefined && !table.failures.includes(status))
    throw new ApiError('invalid', `only ${table.failures.join(' or ')} of ${name} may have an error, not ${status}`)
  for (const [property, rule] of Object.entries(rules.properties)) {
    const value = claim[property]
    if (value !== undefined && !rule.fits(value, (other) => claim[other]))
      throw new ApiError('invalid', `${property} must be ${rule.expected}`)
  }
}

/** The run of a report that comes too late, if the caller says which it was: see the reports on runs of indexes. */
function lateRun(
  { rules }: Machine,
  { run: id, started }: Extract<StatusOperation, { op: 'reportStatus' }>,
  { run: standing }: MachineClaim,
): Run | undefined {
  if (started === undefined || !rules.isSource(started.source)) return undefined
  const run: Run = { no: started.no, id, source: started.source }
  return rules.wouldLose(run, standing) ? run : undefined
}

function superseded(standing: MachineClaim): ApiError {
  const { run, machine, name, status, actor } = standing
  const who = `run ${run.no} ("${run.id}") of ${run.source}, last reported by ${actor}`
  return supersededBy(standing, `${who}, stands for ${machine} "${name}" and is ${status}`)
}
