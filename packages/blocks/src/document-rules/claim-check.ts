import type * as Y from 'yjs'
import type { Claim, ClaimList, Run } from '../claim-list.ts'
import { canonical } from '../claim-text.ts'
import { type ClaimView, DocViews } from '../claim-views.ts'
import { isExactJson, isPlainObject } from '../json.ts'
import type { Fold } from '../ranked-claims.ts'
import type { KnownClaims } from './known-claims.ts'
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
  if ('junk' in parsed) return badClaim(list, `its ${parsed.junk} is wrong`)
  if (!isExactJson(parsed.claim) && !context.known.has(canonical(parsed.claim)))
    return badClaim(list, 'it has an integer beyond 2^53, which is rounded: write it as text')
  return checkAuthor(parsed.claim, context) ?? checkNumber(list, place, parsed.claim, context)
}

function checkAuthor(claim: Claim, { writer, known, passed }: ClaimContext): BlocksRefusal | undefined {
  const text = canonical(claim)
  passed.push(text)
  // Undo brings back claims that stood here before, unchanged, of any writer.
  if (known.has(text)) return undefined
  if (writer.isAuthenticated && claim.actor !== writer.actor) {
    return refuse(
      'forbidden_actor',
      `A claim names the actor "${claim.actor}", but this connection is "${writer.actor}"; write claims in its own name`,
    )
  }
  if (!maySpeakFor(writer, claim.source)) {
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
  return run && checkRun({ list, key, claim, run, fold, isPlaced: place.role !== 'unknown' }, context)
}

interface RunToCheck {
  readonly list: ClaimList
  readonly key: string
  readonly claim: Claim
  readonly run: Run
  readonly fold: Fold<Claim> | undefined
  /** False where the claim may come to stand in any block. */
  readonly isPlaced: boolean
}

/** A writer may report on another's run (rule 5 ranks the report), but may not make up a run in another's name. */
function checkRun(
  { list, key, claim, run, fold, isPlaced }: RunToCheck,
  { writer, known, anywhere }: ClaimContext,
): BlocksRefusal | undefined {
  const winner = fold?.winners.get(key)
  const isOfRun = (other: Claim): boolean => list.rules.keyOf(other) === key && list.runOf(other)?.id === run.id
  const same = isPlaced
    ? [...(winner === undefined ? [] : [winner]), ...(fold?.lost.map(({ loser }) => loser) ?? [])].find(isOfRun)
    : anywhere.find(list, key, run.id)
  if (same !== undefined) {
    const started = list.runOf(same)
    if (started?.no === run.no && started.source === run.source) return undefined
    return refuse('foreign_run', `Run "${run.id}" of "${key}" has another number or source here`)
  }
  // A late report on a run whose claims are gone can't be checked, and can't be shown either.
  const isLate = winner !== undefined && run.no < list.numberOf(winner)
  if (isLate || maySpeakFor(writer, run.source) || known.has(canonical(claim))) return undefined
  return refuse(
    'foreign_run',
    `Run "${run.id}" of "${key}" is not known here, and "${writer.actor}" may not start one for the source ${run.source}`,
  )
}

function maySpeakFor(writer: BlocksWriter, source: string): boolean {
  return writer.sources === undefined || writer.sources.includes(source)
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
