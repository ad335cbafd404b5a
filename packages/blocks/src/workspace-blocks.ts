import * as Y from 'yjs'
import { Block } from './block.ts'
import { assertId, isBlockId } from './block-id.ts'
import { BLOCK_PARTS, partTypeRef, plantSkeleton, TYPE_REF } from './block-skeleton.ts'
import { BlocksError } from './blocks-error.ts'
import type { ClaimList } from './claim-list.ts'
import { isForbiddenKey } from './json.ts'
import { keysAfter } from './keys-after.ts'
import { randomBlockId } from './random-id.ts'
import { keepTextsWellFormed, toWellFormed } from './well-formed.ts'
import { assertOptions, badArgument } from './write-arguments.ts'

const handles = new WeakMap<Y.Map<unknown>, Block>()

/** The map of all blocks: `doc.getMap('blocks')`. */
export function blocksMap(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('blocks')
}

export interface CreateBlockOptions {
  readonly type: string
  /** Lists of claims of an application's own. A block without a fixed name gets their parts at once. */
  readonly lists?: readonly ClaimList[]
  /**
   * True if nobody else can create a block of this id at the same time. The block is then made of ordinary structs of the writer,
   * which cost later edits nothing. Without it, a block with a name is a skeleton.
   */
  readonly isAlone?: boolean
}

/** Creates a block under a random id, which nobody else has. Throws `bad_argument`. */
export function createBlock(doc: Y.Doc, options: CreateBlockOptions): Block
/**
 * Creates a block, or returns the block that is there. Concurrent creation of one id merges: both contents stay. `type` is an
 * ordinary write, made only if the block has no type yet. Throws `bad_block_id`, `bad_argument`, `foreign_shape`.
 */
export function createBlock(doc: Y.Doc, id: string, options: CreateBlockOptions): Block
export function createBlock(doc: Y.Doc, name: string | CreateBlockOptions, given?: CreateBlockOptions): Block {
  const isDrawn = typeof name === 'object' && name !== null
  const id = isDrawn ? randomBlockId() : name
  const options = isDrawn ? name : given
  assertId(id, 'block')
  assertOptions(options)
  if (typeof options.type !== 'string') throw badArgument('type', 'a text', options.type)
  const type = toWellFormed(options.type)
  keepTextsWellFormed(doc)
  return Y.transact(doc, (transaction) => {
    const blocks = blocksMap(doc)
    const map =
      (isDrawn || options.isAlone === true) && !blocks.has(id)
        ? blocks.set(id, ordinaryBlock(id, type, options.lists ?? []))
        : (blocks.get(id) ??
          plantSkeleton(transaction, blocks, id, (incarnation, follows) => ({
            kind: 'block',
            blockId: id,
            incarnation,
            follows,
          })) ??
          // After a stock client's overwrite, a skeleton may find no place. An ordinary map always does.
          blocks.set(id, new Y.Map<unknown>([['id', id]])))
    if (!(map instanceof Y.Map))
      throw new BlocksError('foreign_shape', `"${id}" in the map of blocks is no map: choose another id`)
    if (map.get('type') === undefined) map.set('type', type)
    return handleOf(map, id)
  })
}

/** A block of ordinary structs, with all the parts that a skeleton would come by later. */
function ordinaryBlock(id: string, type: string, lists: readonly ClaimList[]): Y.Map<unknown> {
  const parts = new Set([...BLOCK_PARTS, ...lists.map(({ part }) => part)])
  const entries = [...parts].map((part): [string, unknown] => [part, emptyPart(part)])
  return new Y.Map([['id', id], ...entries, ['type', type]])
}

function emptyPart(part: string): unknown {
  const typeRef = partTypeRef(part)
  return typeRef === TYPE_REF.text ? new Y.Text() : typeRef === TYPE_REF.map ? new Y.Map() : new Y.Array()
}

/** Deletes a block and its content, for everybody. Returns true if there was one. A block created again under the id starts empty. */
export function deleteBlock(doc: Y.Doc, id: string): boolean {
  // An id that a new block may not have any more can still be deleted.
  if (!isBlockId(id)) assertId(id, 'block')
  const blocks = blocksMap(doc)
  if (!blocks.has(id)) return false
  blocks.delete(id)
  return true
}

/** The block of this id; undefined when there is none. The same object as long as the block lives. Never writes. */
export function getBlock(doc: Y.Doc, id: string): Block | undefined {
  if (typeof id !== 'string' || isForbiddenKey(id)) return undefined
  const map = blocksMap(doc).get(id)
  return map instanceof Y.Map ? handleOf(map, id) : undefined
}

/** All blocks, sorted by id in code unit order. Blocks that stock clients made by hand are included. Never writes. */
export function listBlocks(doc: Y.Doc): Block[] {
  const blocks: Block[] = []
  for (const [id, map] of blockMaps(doc)) blocks.push(handleOf(map, id))
  return blocks.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The first blocks behind an id, as {@link listBlocks} sorts them: a page of them costs no sorting of all. Never writes. */
export function blocksAfter(doc: Y.Doc, page: { readonly after: string; readonly count: number }): Block[] {
  const blocks = blocksMap(doc)
  const isBlock = (id: string): boolean => blocks.get(id) instanceof Y.Map && !isForbiddenKey(id)
  return keysAfter(blocks.keys(), page, isBlock).map((id) => handleOf(blocks.get(id) as Y.Map<unknown>, id))
}

/** The number of blocks. */
export function countBlocks(doc: Y.Doc): number {
  let count = 0
  for (const _block of blockMaps(doc)) count++
  return count
}

/** The ids and maps of all blocks, in no order. A walk over them makes nothing that stays in memory, as {@link listBlocks} does. */
export function* blockMaps(doc: Y.Doc): Generator<[id: string, map: Y.Map<unknown>]> {
  for (const [id, map] of blocksMap(doc).entries()) {
    if (map instanceof Y.Map && !isForbiddenKey(id)) yield [id, map]
  }
}

function handleOf(map: Y.Map<unknown>, id: string): Block {
  const known = handles.get(map)
  if (known !== undefined) return known
  const block = new Block(map, id)
  handles.set(map, block)
  return block
}
