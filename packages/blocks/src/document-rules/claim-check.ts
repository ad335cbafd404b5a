import type * as Y from 'yjs'
import type { Claim, ClaimList, Run } from '../claim-list.ts'
import { type ClaimView, DocViews } from '../claim-views.ts'
import { isExactJson, isPlainObject } from '../json.ts'
import { machineFault } from '../machines/machine-fault.ts'
import type { Fold } from '../ranked-claims.ts'
import { type KnownClaims, knownText } from './known-claims.ts'
import type { ListTable } from './list-table.ts'
import { type BlocksRefusal, type BlocksWriter, refuse } from './refusal.ts'
import type { RunsAnywhere } from './runs-anywhere.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import type { Place } from './update-places.ts'

/** Everything that a claim is checked against. */
export interface ClaimContext {
  readonly doc: Y.Doc
  readonly lists: ListTable
  readonly writer: BlocksWriter
  readonly known: KnownClaims
  readonly anywhere: RunsAnywhere
  /** The folds of the lists, each read once for the whole update: nothing of the update is applied yet. */
  readonly folds: Folds
  /** Canonical JSON of the claims that passed; remembered once the whole update has passed. */
  readonly passed: string[]
}

/** The folds of lists that do not change meanwhile. In a transaction that has touched a list, each reading walks through it. */
export class Folds {
  readonly #folds = new Map<unknown, Fold<Claim>>()

  of(view: ClaimView<Claim>): Fold<Claim> {
    const known = this.#folds.get(view)
    if (known !== undefined) return known
    const { fold } = view
    this.#folds.set(view, fold)
    return fold
  }
}

/**
 * Refuses a value that its writer may not put where claims stand. Anybody may put legacy entries and junk there, since readers
 * cope with both. An element with the mark of a claim must be a claim, by its own author, for a source that the author may
 * speak for.
 */
export function checkValue(place: Place, value: unknown, context: ClaimContext): BlocksRefusal | undefined {
  const { role, parentSub, list } = place
  if (list !== undefined) return checkClaim(list, place, value, context)
  if (role === 'block') {
    const replaced = parentSub === undefined ? undefined : context.lists.get(parentSub)
    // A stock client's plain array in place of a list is read like the list.
    if (replaced === undefined || !Array.isArray(value)) return undefined
    return first(value, (item) => checkClaim(replaced, place, item, context))
  }
  if (role !== 'unknown') return undefined
  // Where the value will stand isn't known yet: it may be in any list, or be a plain array in place of one.
  return first(Array.isArray(value) ? value : [value], (item) => checkAnywhere(place, item, context))
}

/** Checks an element as a claim of every list whose mark it has. Of lists with one mark, it needs to be a claim of one only. */
function checkAnywhere(place: Place, value: unknown, context: ClaimContext): BlocksRefusal | undefined {
  if (!isPlainObject(value)) return undefined
  for (const sameMark of context.lists.byMark) {
    const readable = sameMark.filter(({ rules }) => 'claim' in rules.parse(value))
    const refusal = first(readable.length > 0 ? readable : sameMark, (list) => checkClaim(list, place, value, context))
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function checkClaim(list: ClaimList, place: Place, value: unknown, context: ClaimContext): BlocksRefusal | undefined {
  if (!isPlainObject(value) || !Object.hasOwn(value, list.mark)) return undefined
  const parsed = list.rules.parse(value)
  if ('junk' in parsed) return junkClaim(list, value, parsed.junk)
  const text = knownText(list, parsed.claim, place.blockId)
  if (!isExactJson(parsed.claim) && !context.known.has(text))
    return badClaim(list, 'it has an integer beyond 2^53, which is rounded: write it as text')
  return checkAuthor(list, parsed.claim, text, context) ?? checkNumber(list, place, parsed.claim, context)
}

function junkClaim(list: ClaimList, value: Readonly<Record<string, unknown>>, junk: string): BlocksRefusal {
  const fault = machineFault(list, value)
  if (fault?.isForbidden === true) return refuse('forbidden_source', `A claim in ${list.part}: ${fault.reason}`)
  return badClaim(list, fault?.reason ?? `its ${junk} is wrong`)
}

function checkAuthor(
  list: ClaimList,
  claim: Claim,
  text: string,
  { writer, known, passed }: ClaimContext,
): BlocksRefusal | undefined {
  passed.push(text)
  // Undo brings back claims that stood here before, unchanged, of any writer.
  if (known.has(text) || mayBringBack(writer, list, claim, claim.source)) return undefined
  if (writer.isAuthenticated && claim.actor !== writer.actor) {
    return refuse(
      'forbidden_actor',
      `A claim names the actor "${claim.actor}", but this connection is "${writer.actor}"; write claims in its own name`,
    )
  }
  if (!maySpeakFor(writer, claim.source, list)) {
    return refuse('forbidden_source', `"${writer.actor}" may not speak for the source ${claim.source}`)
  }
  return undefined
}

/** A number counts on from what is known. A run must be one that the writer may start, or one that stands already. */
function checkNumber(list: ClaimList, place: Place, claim: Claim, context: ClaimContext): BlocksRefusal | undefined {
  const key = list.rules.keyOf(claim)
  const view = place.block === undefined ? undefined : DocViews.of(context.doc).viewOf(place.block, list)
  const fold = view && context.folds.of(view)
  const highest = view?.highestSeen(key, fold?.winners.get(key)) ?? 0
  if (list.numberOf(claim) > highest + UPDATE_LIMITS.countJumpMax) {
    return badClaim(list, `its number is more than ${UPDATE_LIMITS.countJumpMax} above the last one`)
  }
  const run = list.runOf(claim)
  return run && checkRun({ list, key, claim, run, fold, place }, context)
}

interface RunToCheck {
  readonly list: ClaimList
  readonly key: string
  readonly claim: Claim
  readonly run: Run
  readonly fold: Fold<Claim> | undefined
  readonly place: Place
}

/** A writer may report on another's run (rule 5 ranks the report), but may not make up a run in another's name. */
function checkRun(
  { list, key, claim, run, fold, place }: RunToCheck,
  { writer, known, anywhere }: ClaimContext,
): BlocksRefusal | undefined {
  const winner = fold?.winners.get(key)
  const isOfRun = (other: Claim): boolean => list.rules.keyOf(other) === key && list.runOf(other)?.id === run.id
  // Without a place, the claim may come to stand in any block.
  const same =
    place.role !== 'unknown'
      ? [...(winner === undefined ? [] : [winner]), ...(fold?.lost.map(({ loser }) => loser) ?? [])].find(isOfRun)
      : anywhere.find(list, key, run.id)
  if (same !== undefined) {
    const started = list.runOf(same)
    if (started?.no === run.no && started.source === run.source) return undefined
    return refuse('foreign_run', `Run "${run.id}" of "${key}" has another number or source here`)
  }
  // A late report on a run whose claims are gone can't be checked, and can't be shown either.
  const isLate = winner !== undefined && run.no < list.numberOf(winner)
  if (isLate || maySpeakFor(writer, run.source, list)) return undefined
  if (mayBringBack(writer, list, claim, run.source)) return undefined
  if (known.has(knownText(list, claim, place.blockId))) return undefined
  return refuse(
    'foreign_run',
    `Run "${run.id}" of "${key}" is not known here, and "${writer.actor}" may not start one for the source ${run.source}`,
  )
}

function maySpeakFor(writer: BlocksWriter, source: string, list: ClaimList): boolean {
  if (writer.sources !== undefined) return writer.sources.includes(source)
  return list.isReserved?.(source) !== true
}

/**
 * True for what the server itself had said through `source`, and a client brings back after the server may have lost it. A result
 * is shown only when it is fsynced, so none can be lost.
 */
function mayBringBack(writer: BlocksWriter, list: ClaimList, claim: Claim, source: string): boolean {
  return writer.mayRelay === true && list.isReserved?.(source) === true && list.isResult?.(claim) === false
}

function badClaim({ part }: ClaimList, what: string): BlocksRefusal {
  return refuse('bad_claim', `A claim in ${part} is impossible: ${what}`)
}

function first<T>(items: readonly T[], check: (item: T) => BlocksRefusal | undefined): BlocksRefusal | undefined {
  for (const item of items) {
    const refusal = check(item)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
