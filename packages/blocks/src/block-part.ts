import * as Y from 'yjs'
import { plantSkeleton } from './block-skeleton.ts'
import { BlocksError } from './blocks-error.ts'

/** Throws `block_missing` unless the block's map is still part of its doc. */
export function assertBlockLives(block: Y.Map<unknown>, blockId: string): Y.Doc {
  if (block.doc === null || block._item === null || block._item.deleted) {
    throw new BlocksError('block_missing', `Block "${blockId}" has been deleted or replaced; get it again`)
  }
  return block.doc
}

/**
 * A part that the block lacks is planted as a skeleton (see block-skeleton.ts), so that two clients that complete a
 * stock client's bare block at once complete it with the same structs.
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

/** The block's text, made first if a stock client left it out or put a plain string there. Throws `foreign_shape`. */
export function ensureText(block: Y.Map<unknown>, blockId: string): Y.Text {
  const found = block.get('content')
  if (found instanceof Y.Text) return found
  return Y.transact(assertBlockLives(block, blockId), (transaction) => {
    // A plain string becomes an ordinary text: as a skeleton its characters would be everybody's, and double.
    const made = typeof found === 'string' ? block.set('content', new Y.Text(found)) : undefined
    const text = made ?? (found === undefined ? plantPart(transaction, block, 'content') : found)
    if (!(text instanceof Y.Text)) throw foreignShape(blockId, 'content', 'a text')
    return text
  })
}

/** The block's free map, made first if a stock client left it out. Throws `foreign_shape`. */
export function ensureData(block: Y.Map<unknown>, blockId: string): Y.Map<unknown> {
  const found = block.get('data')
  if (found instanceof Y.Map) return found
  return Y.transact(assertBlockLives(block, blockId), (transaction) => {
    const data = found === undefined ? plantPart(transaction, block, 'data') : found
    if (!(data instanceof Y.Map)) throw foreignShape(blockId, 'data', 'a map')
    return data
  })
}

/** A claim list to write into, inside the caller's transaction. A plain array of a stock client is taken over. Throws `foreign_shape`. */
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
  // Two clients may both take over; a claim standing twice reads as one.
  if (Array.isArray(found) && found.length > 0) list.push(found)
  return list
}

function foreignShape(blockId: string, part: string, expected: string): BlocksError {
  return new BlocksError(
    'foreign_shape',
    `Block "${blockId}" holds something else than ${expected} under "${part}"`,
    part,
  )
}
