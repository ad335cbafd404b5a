import * as Y from 'yjs'
import type { Block } from './block.ts'
import { assertValue, fieldClaims } from './block-fields.ts'
import { assertBlockLives, ensureClaimList } from './block-part.ts'
import { DocViews } from './claim-views.ts'
import { assertKeyAllowed, type Json } from './json.ts'
import { toWellFormedJson } from './well-formed.ts'
import { assertAuthor, assertName, type ClaimAuthor, nextCount } from './write-arguments.ts'

/**
 * Sets many fields of a block, and removes those whose value is undefined, in one walk through the list; one by one, each field
 * would take a walk of its own. Throws the errors of `BlockFields.set`, before anything is written.
 */
export function changeFields(
  block: Block,
  values: Readonly<Record<string, Json | undefined>>,
  author: ClaimAuthor,
): void {
  assertAuthor(author)
  const entries = Object.entries(values)
  for (const [key, value] of entries) {
    assertName(key, 'key')
    assertKeyAllowed(key, 'key')
    if (value !== undefined) assertValue(value)
  }
  const { map, id } = block
  const doc = assertBlockLives(map, id)
  const view = DocViews.of(doc).viewOf(map, fieldClaims)
  Y.transact(doc, (transaction) => {
    const { source, actor, at = Date.now() } = author
    const claims = entries.flatMap(([key, value]) =>
      value === undefined
        ? []
        : [
            {
              key,
              value: toWellFormedJson(value),
              seq: nextCount(view.highestSeen(key, view.winner(key)), 'seq'),
              source,
              actor,
              at,
            },
          ],
    )
    const gone = entries.flatMap(([key, value]) => (value === undefined && view.winner(key) !== undefined ? [key] : []))
    if (claims.length + gone.length === 0) return
    const book = view.bookIn(transaction, ensureClaimList(transaction, map, id, fieldClaims.part))
    book.remove(gone)
    book.writeAll(claims)
  })
}
