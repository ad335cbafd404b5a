import * as Y from 'yjs'
import type { Block } from './block.ts'
import { assertBlockLives, ensureClaimList } from './block-part.ts'
import { CLAIM_LIMITS, isBoundedJson } from './claim-bounds.ts'
import { DocViews } from './claim-views.ts'
import { assertKeyAllowed, type Json } from './json.ts'
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
    const { source, actor, at = Date.now() } = author
    const entries = Object.entries(values)
    const claims = entries.flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value, seq: view.highestSeen(key, view.winner(key)) + 1, source, actor, at }],
    )
    const gone = entries.flatMap(([key, value]) => (value === undefined && view.winner(key) !== undefined ? [key] : []))
    if (claims.length + gone.length === 0) return
    const book = view.bookIn(transaction, ensureClaimList(transaction, map, id, 'fields'))
    book.remove(gone)
    book.writeAll(claims)
  })
}

function assertField(key: string, value: Json | undefined): void {
  assertName(key, 'key')
  assertKeyAllowed(key, 'key')
  if (value !== undefined && !isBoundedJson(value))
    throw badArgument('value', `JSON of at most ${CLAIM_LIMITS.jsonLengthMax} characters`, value)
}
