import type * as Y from 'yjs'
import { diffFolds, type ListChange } from './claim-diff.ts'
import { type BlockViews, DocViews } from './claim-views.ts'
import { type FieldClaim, fieldRules } from './field-rules.ts'
import { indexingRules, type StatusClaim } from './indexing-rules.ts'
import { isForbiddenKey } from './json.ts'
import type { Fold } from './ranked-claims.ts'
import { blocksMap, getBlock, listBlocks } from './workspace-blocks.ts'

/** What one transaction did to one block that was there before and is there after. */
export interface BlockChange {
  readonly id: string
  /** Parts and keys that were edited: `content`, `type`, `data`, `indexingList`, `fields`, or a stock client's own. */
  readonly parts: ReadonlySet<string>
  readonly indexing?: ListChange<StatusClaim>
  readonly fields?: ListChange<FieldClaim>
}

/** What one transaction did to a workspace's blocks. A block deleted and made again stands in `removed` and in `added`. */
export interface BlocksChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly BlockChange[]
}

/** A block as this observer last told of it. */
interface SeenBlock {
  readonly id: string
  readonly views: BlockViews
  indexing: Fold<StatusClaim>
  fields: Fold<FieldClaim>
}

/**
 * Calls `listener` once after each transaction, local or remote, that changed a block; returns unsubscribe. Blocks that
 * are there already are not told of. The observer itself never writes.
 */
export function observeBlocks(
  doc: Y.Doc,
  listener: (change: BlocksChange, transaction: Y.Transaction) => void,
): () => void {
  const views = DocViews.of(doc)
  const seen = new Map<Y.Map<unknown>, SeenBlock>()
  const byId = new Map<string, Y.Map<unknown>>()
  const remember = (id: string, map: Y.Map<unknown>): void => {
    const blockViews = views.viewsOf(map)
    seen.set(map, { id, views: blockViews, indexing: blockViews.indexingList.fold, fields: blockViews.fields.fold })
    byId.set(id, map)
  }
  blocksMap(doc)
  for (const block of listBlocks(doc)) remember(block.id, block.map)

  return views.subscribe((touched, transaction) => {
    const added: string[] = []
    const removed: string[] = []
    const changed: BlockChange[] = []
    for (const id of touched.ids) {
      if (isForbiddenKey(id)) continue
      const old = byId.get(id)
      const now = getBlock(doc, id)?.map
      if (old === now) continue
      if (old !== undefined) {
        removed.push(id)
        seen.delete(old)
        byId.delete(id)
      }
      if (now !== undefined) {
        added.push(id)
        remember(id, now)
      }
    }
    for (const [map, parts] of touched.parts) {
      const block = seen.get(map)
      if (block !== undefined && !added.includes(block.id)) changed.push(changeOf(block, parts))
    }
    if (added.length + removed.length + changed.length > 0) listener({ added, removed, changed }, transaction)
  })
}

function changeOf(block: SeenBlock, parts: ReadonlySet<string>): BlockChange {
  const indexing = diffFolds(block.indexing, block.views.indexingList.fold, indexingRules)
  const fields = diffFolds(block.fields, block.views.fields.fold, fieldRules)
  block.indexing = block.views.indexingList.fold
  block.fields = block.views.fields.fold
  return {
    id: block.id,
    parts,
    ...(indexing === undefined ? {} : { indexing }),
    ...(fields === undefined ? {} : { fields }),
  }
}
