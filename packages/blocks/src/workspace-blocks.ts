import * as Y from 'yjs'
import { Block } from './block.ts'
import { assertId } from './block-id.ts'
import { plantSkeleton } from './block-skeleton.ts'
import { BlocksError } from './blocks-error.ts'
import { isForbiddenKey } from './json.ts'
import { assertOptions, badArgument } from './write-arguments.ts'

const handles = new WeakMap<Y.Map<unknown>, Block>()

/** The map of all blocks: `doc.getMap('blocks')`. */
export function blocksMap(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('blocks')
}

/**
 * Creates a block, or returns the block that is there. Concurrent creation of one id merges: both contents stay. `type` is an
 * ordinary write, made only if the block has no type yet. Throws `bad_block_id`, `bad_argument`, `foreign_shape`.
 */
export function createBlock(doc: Y.Doc, id: string, options: { type: string }): Block {
  assertId(id, 'block')
  assertOptions(options)
  const { type } = options
  if (typeof type !== 'string') throw badArgument('type', 'a text', type)
  return Y.transact(doc, (transaction) => {
    const blocks = blocksMap(doc)
    const map =
      blocks.get(id) ??
      plantSkeleton(transaction, blocks, id, (incarnation, follows) => ({
        kind: 'block',
        blockId: id,
        incarnation,
        follows,
      })) ??
      // After a stock client's overwrite, a skeleton may find no place. An ordinary map always does.
      blocks.set(id, new Y.Map<unknown>([['id', id]]))
    if (!(map instanceof Y.Map))
      throw new BlocksError('foreign_shape', `"${id}" in the map of blocks is no map: choose another id`)
    if (map.get('type') === undefined) map.set('type', type)
    return handleOf(map, id)
  })
}

/** Deletes a block and its content, for everybody. Returns true if there was one. A block created again under the id starts empty. */
export function deleteBlock(doc: Y.Doc, id: string): boolean {
  assertId(id, 'block')
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
  for (const [id, map] of blocksMap(doc).entries()) {
    if (map instanceof Y.Map && !isForbiddenKey(id)) blocks.push(handleOf(map, id))
  }
  return blocks.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function handleOf(map: Y.Map<unknown>, id: string): Block {
  const known = handles.get(map)
  if (known !== undefined) return known
  const block = new Block(map, id)
  handles.set(map, block)
  return block
}
