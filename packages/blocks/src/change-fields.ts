import * as Y from 'yjs'
import type { Block } from './block.ts'
import { assertBlockLives, ensureClaimList } from './block-part.ts'
import { CLAIM_LIMITS, isBoundedJson } from './claim-bounds.ts'
import { DocViews } from './claim-views.ts'
import { fieldRules } from './field-rules.ts'
import { assertKeyAllowed, type Json } from './json.ts'
import { insertBesideOwnLast } from './ranked-claims.ts'
import { assertAuthor, assertName, badArgument, type ClaimAuthor } from './write-arguments.ts'

/**
 * Sets many fields of a block, and removes those that are undefined, at the cost of one walk through the list: one by one
 * each would be a walk of its own. Throws what `BlockFields.set` throws, before anything is written.
 */
export function changeFields(
  block: Block,
  values: Readonly<Record<string, Json | undefined>>,
  author: ClaimAuthor,
): void {
  assertAuthor(author)
  for (const [key, value] of Object.entries(values)) assertField(key, value)
  const { map, id } = block
  const doc = assertBlockLives(map, id)
  const view = DocViews.of(doc).viewsOf(map).fields
  Y.transact(doc, (transaction) => {
    const { fold } = view
    const { source, actor, at = Date.now() } = author
    const written = Object.entries(values).filter(([key, value]) => value !== undefined || fold.winners.has(key))
    if (written.length === 0) return
    const claims = written.flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value, seq: view.highestSeen(key, fold) + 1, source, actor, at }],
    )
    for (const claim of claims) {
      const parsed = fieldRules.parse(claim)
      if ('junk' in parsed) throw new Error(`invariant: a claim about to be written is junk: ${parsed.junk}`)
    }
    const list = ensureClaimList(transaction, map, id, 'fields')
    // The new claims beat what is seen by their seq, whoever wrote it.
    deleteClaimsOf(list, new Set(written.map(([key]) => key)))
    if (claims.length > 0) insertBesideOwnLast(transaction, list, claims)
  })
}

function assertField(key: string, value: Json | undefined): void {
  assertName(key, 'key')
  assertKeyAllowed(key, 'key')
  if (value !== undefined && !isBoundedJson(value))
    throw badArgument('value', `JSON of at most ${CLAIM_LIMITS.jsonLengthMax} characters`, value)
}

/** Deletes from the last one on, neighbours together. */
function deleteClaimsOf(list: Y.Array<unknown>, keys: ReadonlySet<string>): void {
  const indexes = list.toArray().flatMap((raw, index) => {
    const parsed = fieldRules.parse(raw)
    return 'claim' in parsed && keys.has(parsed.claim.key) ? [index] : []
  })
  for (let end = indexes.length; end > 0; ) {
    let start = end - 1
    while (start > 0 && indexes[start - 1] === (indexes[start] as number) - 1) start--
    list.delete(indexes[start] as number, end - start)
    end = start
  }
}
