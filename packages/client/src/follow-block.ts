import { blocksMap } from '@joinery/blocks'
import * as Y from 'yjs'
import { followDoc } from './follow-doc.ts'
import type { Workspace } from './workspace.ts'

/**
 * Calls `listener` when block `id` comes, goes or is replaced, and when its `part` (`content`, `fields`, ...) is edited or
 * replaced; of other parts and other blocks nothing is heard. Outlives replica swaps. Returns unsubscribe.
 */
export function followBlock(
  workspace: Workspace,
  id: string,
  part: string | undefined,
  listener: () => void,
): () => void {
  return followDoc(workspace, (doc) => attachToBlock(doc, id, part, listener), listener)
}

function attachToBlock(doc: Y.Doc, id: string, part: string | undefined, listener: () => void): () => void {
  const blocks = blocksMap(doc)
  const onParts = (events: Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    if (events.some((event) => partsOf(event, block).has(part))) listener()
  }
  const watch = (): Y.Map<unknown> | undefined => {
    const map = blocks.get(id)
    if (!(map instanceof Y.Map)) return undefined
    if (part !== undefined) map.observeDeep(onParts)
    return map
  }
  let block = watch()
  const unwatch = (): void => {
    if (part !== undefined) block?.unobserveDeep(onParts)
  }
  const onBlocks = (event: Y.YMapEvent<unknown>): void => {
    if (!event.keysChanged.has(id)) return
    unwatch()
    block = watch()
    listener()
  }
  blocks.observe(onBlocks)
  return () => {
    blocks.unobserve(onBlocks)
    unwatch()
  }
}

function partsOf(event: Y.YEvent<Y.AbstractType<unknown>>, block: Y.Map<unknown> | undefined): ReadonlySet<unknown> {
  if (event instanceof Y.YMapEvent && event.target === block) return event.keysChanged
  return new Set([event.path[0]])
}
