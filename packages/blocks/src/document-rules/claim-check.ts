import type * as Y from 'yjs'
import { canonical } from '../claim-text.ts'
import { type ClaimView, DocViews } from '../claim-views.ts'
import { type FieldClaim, fieldRules } from '../field-rules.ts'
import { indexingRules, type StatusClaim } from '../indexing-rules.ts'
import { isPlainObject } from '../json.ts'
import type { Fold } from '../ranked-claims.ts'
import type { KnownClaims } from './known-claims.ts'
import { type BlocksRefusal, type BlocksWriter, refuse } from './refusal.ts'
import type { RunsAnywhere } from './runs-anywhere.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import type { Place } from './update-places.ts'

/** What a claim is checked against. */
export interface ClaimContext {
  readonly doc: Y.Doc
  readonly writer: BlocksWriter
  readonly known: KnownClaims
  readonly anywhere: RunsAnywhere
  /** What the lists say, each read once for the whole update: nothing of it is applied yet. */
  readonly folds: Folds
  /** Canonical JSON of the claims that passed; remembered once the whole update has. */
  readonly passed: string[]
}

/** The folds of lists that do not change meanwhile: inside a transaction that has touched one each reading is a walk. */
export class Folds {
  readonly #folds = new Map<unknown, Fold<unknown>>()

  of<C>(view: ClaimView<C>): Fold<C> {
    const known = this.#folds.get(view) as Fold<C> | undefined
    if (known !== undefined) return known
    const { fold } = view
    this.#folds.set(view, fold)
    return fold
  }
}

/**
 * May this writer put this value where claims stand? Legacy entries and junk are anybody's (readers cope), but what has
 * the shape of a claim must be one, by its own author, for a source it may speak for.
 */
export function checkValue(place: Place, value: unknown, context: ClaimContext): BlocksRefusal | undefined {
  const { role, parentSub } = place
  // A stock client's plain array in place of a list is read like the list.
  if (role === 'block' && (parentSub === 'indexingList' || parentSub === 'fields') && Array.isArray(value)) {
    return first(value, (item) => checkClaim(parentSub, place, item, context))
  }
  if (role === 'indexingList' || role === 'fields') return checkClaim(role, place, value, context)
  if (role !== 'unknown') return undefined
  // Where it will stand isn't known yet: it may be either list, or a plain array in place of one.
  return first(
    Array.isArray(value) ? value : [value],
    (item) => checkClaim('indexingList', place, item, context) ?? checkClaim('fields', place, item, context),
  )
}

function checkClaim(
  part: 'indexingList' | 'fields',
  place: Place,
  value: unknown,
  context: ClaimContext,
): BlocksRefusal | undefined {
  if (!isPlainObject(value) || !Object.hasOwn(value, part === 'fields' ? 'seq' : 'run')) return undefined
  if (part === 'fields') {
    const parsed = fieldRules.parse(value)
    if ('junk' in parsed) return badClaim(part, parsed.junk)
    return checkAuthor(parsed.claim, context) ?? checkSeq(place, parsed.claim, context)
  }
  const parsed = indexingRules.parse(value)
  if ('junk' in parsed) return badClaim(part, parsed.junk)
  return checkAuthor(parsed.claim, context) ?? checkRun(place, parsed.claim, context)
}

function checkAuthor(
  claim: StatusClaim | FieldClaim,
  { writer, known, passed }: ClaimContext,
): BlocksRefusal | undefined {
  const text = canonical(claim)
  passed.push(text)
  // Undo puts back what stood here before, word for word, whoever said it then.
  if (known.has(text)) return undefined
  if (writer.isAuthenticated && claim.actor !== writer.actor) {
    return refuse(
      'forbidden_actor',
      `A claim names the actor "${claim.actor}", but this connection is "${writer.actor}"`,
    )
  }
  if (!maySpeakFor(writer, claim.source)) {
    return refuse('forbidden_source', `"${writer.actor}" may not speak for ${claim.source}`)
  }
  return undefined
}

/** Reporting on another's run is allowed (rule 5 ranks it); making one up in another's name is not. */
function checkRun(place: Place, claim: StatusClaim, context: ClaimContext): BlocksRefusal | undefined {
  const { doc, writer, known, anywhere, folds } = context
  const { run, index_name } = claim
  const view = place.block === undefined ? undefined : DocViews.of(doc).viewsOf(place.block).indexingList
  const fold = view && folds.of(view)
  const highest = view?.highestSeen(index_name, fold?.winners.get(index_name)) ?? 0
  if (run.no > highest + UPDATE_LIMITS.countJumpMax) return badClaim('indexingList', 'run.no, far above the last run')
  const winner = fold?.winners.get(index_name)
  const same =
    place.role === 'unknown'
      ? anywhere.find(index_name, run.id)
      : [...(winner === undefined ? [] : [winner]), ...(fold?.lost.map(({ loser }) => loser) ?? [])].find(
          (other) => other.index_name === index_name && other.run.id === run.id,
        )
  if (same !== undefined) {
    const isSame = same.run.no === run.no && same.run.source === run.source
    return isSame ? undefined : refuse('foreign_run', `Run "${run.id}" of index "${index_name}" is another one`)
  }
  // A late report on a run whose claims are gone can't be checked, and can't be shown either.
  const isLate = winner !== undefined && run.no < winner.run.no
  if (isLate || maySpeakFor(writer, run.source) || known.has(canonical(claim))) return undefined
  return refuse(
    'foreign_run',
    `"${writer.actor}" may not start a run for ${run.source}, and run "${run.id}" is not known here`,
  )
}

function checkSeq(place: Place, claim: FieldClaim, { doc, folds }: ClaimContext): BlocksRefusal | undefined {
  const view = place.block === undefined ? undefined : DocViews.of(doc).viewsOf(place.block).fields
  const highest = view?.highestSeen(claim.key, folds.of(view).winners.get(claim.key)) ?? 0
  return claim.seq > highest + UPDATE_LIMITS.countJumpMax
    ? badClaim('fields', 'seq, far above the last one')
    : undefined
}

function maySpeakFor(writer: BlocksWriter, source: string): boolean {
  return writer.sources === undefined || writer.sources.includes(source)
}

function badClaim(part: string, what: string): BlocksRefusal {
  return refuse('bad_claim', `A claim in ${part} is impossible: ${what}`)
}

function first<T>(items: readonly T[], check: (item: T) => BlocksRefusal | undefined): BlocksRefusal | undefined {
  for (const item of items) {
    const refusal = check(item)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
