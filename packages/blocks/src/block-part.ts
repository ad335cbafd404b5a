import * as Y from 'yjs'
import { plantSkeleton } from './block-skeleton.ts'
import { BlocksError } from './blocks-error.ts'
import { keepTextsWellFormed } from './well-formed.ts'

/** Throws `block_missing` unless the block's map is still part of its doc. */
export function assertBlockLives(block: Y.Map<unknown>, blockId: string): Y.Doc {
  if (block.doc === null || block._item === null || block._item.deleted) {
    throw new BlocksError('block_missing', `Block "${blockId}" was deleted or replaced: get it again by its id`)
  }
  return block.doc
}

/**
 * Makes a part that the block lacks, as a skeleton (see block-skeleton.ts): two clients that make the part at the same time then
 * make the same structs.
 */
function plantPart(transaction: Y.Transaction, block: Y.Map<unknown>, part: string): unknown {
  const parent = block._item?.id
  if (parent === undefined) return undefined
  return plantSkeleton(transaction, block, part, (incarnation, follows) => ({
    kind: 'part',
    parent,
    part,
    incarnation,
    follows,
  }))
}

/** The block's text. If a stock client left it out or put a plain string there, the call makes it. Throws `foreign_shape`. */
export function ensureText(block: Y.Map<unknown>, blockId: string): Y.Text {
  const found = block.get('content')
  if (block.doc !== null) keepTextsWellFormed(block.doc)
  if (found instanceof Y.Text) return found
  return Y.transact(assertBlockLives(block, blockId), (transaction) => {
    // A plain string becomes an ordinary text. In a skeleton, each client would add the characters once more.
    const made = typeof found === 'string' ? block.set('content', new Y.Text(found)) : undefined
    const text = made ?? (found === undefined ? plantPart(transaction, block, 'content') : found)
    if (!(text instanceof Y.Text)) throw foreignShape(blockId, 'content', 'a text')
    return text
  })
}

/** The block's free map. If a stock client left it out, the call makes it. Throws `foreign_shape`. */
export function ensureData(block: Y.Map<unknown>, blockId: string): Y.Map<unknown> {
  const found = block.get('data')
  if (found instanceof Y.Map) return found
  return Y.transact(assertBlockLives(block, blockId), (transaction) => {
    const data = found === undefined ? plantPart(transaction, block, 'data') : found
    if (!(data instanceof Y.Map)) throw foreignShape(blockId, 'data', 'a map')
    return data
  })
}

/**
 * The list of claims under `part`, to write into inside the caller's transaction. The call makes a missing list, and makes a
 * list of a stock client's plain array. Throws `foreign_shape`.
 */
export function ensureClaimList(
  transaction: Y.Transaction,
  block: Y.Map<unknown>,
  blockId: string,
  part: string,
): Y.Array<unknown> {
  const found = block.get(part)
  if (found instanceof Y.Array) return found
  const list = found === undefined || Array.isArray(found) ? plantPart(transaction, block, part) : found
  if (!(list instanceof Y.Array)) throw foreignShape(blockId, part, 'a list')
  // If two clients do this at the same time, each claim stands twice, which reads as one claim.
  if (Array.isArray(found) && found.length > 0) list.push(found)
  return list
}

function foreignShape(blockId: string, part: string, expected: string): BlocksError {
  return new BlocksError(
    'foreign_shape',
    `Block "${blockId}" does not hold ${expected} under "${part}": read it through block.map`,
    part,
  )
}
