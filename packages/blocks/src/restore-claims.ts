import type { Block } from './block.ts'
import { BlockFields } from './block-fields.ts'
import { changeFields } from './change-fields.ts'
import type { ClaimList } from './claim-list.ts'
import { isSameJson, type Json } from './json.ts'
import { BlockStatuses } from './machines/block-statuses.ts'
import { isReservedSource, type MachineClaim } from './machines/machine.ts'
import { StatusList } from './status-list.ts'
import type { StatusClaim, StatusRules } from './status-rules.ts'
import { assertAuthor, type ClaimAuthor } from './write-arguments.ts'

/**
 * Makes one of a block's lists show what `past` shows, by new claims of `author`. Entries that show it already are not touched.
 * Throws `bad_argument` when the list does not know the author's source.
 *
 * @param past the list as plain data: its part of the block's JSON
 */
export function restoreClaims(block: Block, list: ClaimList, past: unknown, author: ClaimAuthor): void {
  const claims: unknown = block.claims(list)
  if (claims instanceof BlockFields) return restoreFields(block, past as Readonly<Record<string, Json>>, author)
  if (claims instanceof BlockStatuses) return restoreMachines(claims, past as readonly MachineClaim[], author)
  if (!(claims instanceof StatusList)) throw new TypeError(`nobody knows how the list "${list.part}" is restored`)
  restoreStatuses(claims, list.rules as AnyStatusRules, past as readonly StatusClaim[], author)
}

type AnyStatusRules = StatusRules<string, string>
type AnyStatusList = StatusList<string, string, object>

/** Makes the block hold exactly these fields, and writes only those that differ. */
export function restoreFields(block: Block, past: Readonly<Record<string, Json>>, author: ClaimAuthor): void {
  const before = block.fields.toJSON()
  const changes: Record<string, Json | undefined> = {}
  for (const key of Object.keys(before)) if (!Object.hasOwn(past, key)) changes[key] = undefined
  for (const [key, value] of Object.entries(past)) {
    if (!Object.hasOwn(before, key) || !isSameJson(before[key], value)) changes[key] = value
  }
  changeFields(block, changes, author)
}

/**
 * Restores the statuses of each machine. A status that its author may not say stays as it is: what happened to a resource outside
 * the document is not undone by showing an older state of the document.
 */
function restoreMachines(statuses: BlockStatuses, past: readonly MachineClaim[], author: ClaimAuthor): void {
  for (const { name, rules, table } of statuses.machines()) {
    const list = statuses.of(name)
    if (list.isMismatched) continue
    const { source } = author
    const isSayable = (entry: MachineClaim): boolean =>
      rules.isSource(source) &&
      rules.maySay(entry.status, source) &&
      (!isReservedSource(entry.source) || isReservedSource(source)) &&
      (entry.stalled === undefined || table.only.stalled === undefined || table.only.stalled.includes(source))
    const then = new Map(past.filter(({ machine }) => machine === name).map((entry) => [entry.name, entry]))
    for (const entry of list.entries()) {
      if (!then.has(entry.name) && isSayable(entry)) list.remove(entry.name)
    }
    for (const entry of then.values()) {
      const now = list.get(entry.name)
      if (isSayable(entry) && (now === undefined || isSayable(now)))
        restoreEntry(list as unknown as AnyStatusList, rules as unknown as AnyStatusRules, entry, author)
    }
  }
}

function restoreStatuses(
  list: AnyStatusList,
  rules: AnyStatusRules,
  past: readonly StatusClaim[],
  author: ClaimAuthor,
): void {
  assertAuthor(author, rules.table.sources)
  const shown = new Set(past.map(rules.keyOf))
  for (const entry of list.entries()) if (!shown.has(rules.keyOf(entry))) list.remove(rules.keyOf(entry))
  for (const entry of past) restoreEntry(list, rules, entry, author)
}

/**
 * Shows an entry of the past again. A claim of the past is beaten for good, so its status comes back as that of a new run, started
 * by `author`. A stock client's entry becomes such a run, too.
 */
function restoreEntry(
  list: AnyStatusList,
  { table, properties, keyOf }: AnyStatusRules,
  past: StatusClaim,
  author: ClaimAuthor,
): void {
  const name = keyOf(past)
  const now = list.get(name)
  const names = Object.keys(properties)
  if (now?.status === past.status && names.every((each) => isSameJson(read(now, each), read(past, each)))) return
  // Otherwise a run of a higher-priority source would stand in the way. The numbers go on from the highest all the same.
  list.remove(name)
  const status = table.starts.includes(past.status) ? past.status : table.starts[0]
  const ofRun = pick(past, Object.keys(table.ofRun))
  const run = list.startAnyRun(name, { ...author, ...ofRun, ...(status !== undefined && { status }) })
  const isFailure = table.failures.includes(past.status)
  const told = pick(
    past,
    names.filter((each) => !Object.hasOwn(table.ofRun, each) && (each !== 'error' || isFailure)),
  )
  if (past.status === status && Object.keys(told).length === 0) return
  list.report(name, run, past.status, { ...author, ...told })
}

function read(entry: object, property: string): unknown {
  return (entry as Readonly<Record<string, unknown>>)[property]
}

function pick(entry: object, properties: readonly string[]): Record<string, unknown> {
  const given = properties.filter((property) => read(entry, property) !== undefined)
  return Object.fromEntries(given.map((property) => [property, read(entry, property)]))
}
