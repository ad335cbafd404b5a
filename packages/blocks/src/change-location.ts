import * as Y from 'yjs'

/** Depth at which a walk up to the root stops. The document rules let in no type as deep as this. */
const TYPE_DEPTH_MAX = 128

/** Place of a changed type in a Joinery document. `keys` are the keys that changed in it; null stands for items of a list or text. */
export type ChangeLocation =
  /** The map of blocks: the blocks of these ids were created, replaced or deleted. */
  | { readonly at: 'blocks'; readonly keys: ReadonlySet<string | null> }
  /** A block's map: these keys were written. */
  | {
      readonly at: 'block'
      readonly block: Y.Map<unknown>
      readonly blockId: string
      readonly keys: ReadonlySet<string | null>
    }
  /** One part of a block, at any depth. */
  | { readonly at: 'part'; readonly block: Y.Map<unknown>; readonly blockId: string; readonly part: string }
  /** The map of edges, at any depth. */
  | { readonly at: 'edges'; readonly keys: ReadonlySet<string | null> }
  /** Another root type of this document, by its name. */
  | { readonly at: 'other'; readonly root: string }

/** A Yjs type as a transaction lists it. */
export type ChangedType = Y.Transaction['changed'] extends Map<infer Type, unknown> ? Type : never

/** Finds the place of `type` in `doc`; undefined when a parent was deleted or `type` is too deep. */
export function locateChange(
  doc: Y.Doc,
  type: ChangedType,
  keys: ReadonlySet<string | null>,
): ChangeLocation | undefined {
  // Only the last three types of the walk matter: the root, its child and its grandchild.
  let current = type
  let child: Y.Item | null = null
  let grandchild: Y.Item | null = null
  for (let depth = 0; current._item !== null; depth++) {
    const item: Y.Item = current._item
    if (depth >= TYPE_DEPTH_MAX || !(item.parent instanceof Y.AbstractType)) return undefined
    grandchild = child
    child = item
    current = item.parent
  }
  if (current === doc.share.get('blocks')) return locateInBlocks(child, grandchild, keys)
  if (current === doc.share.get('edges')) {
    return { at: 'edges', keys: child === null ? keys : new Set([child.parentSub]) }
  }
  return { at: 'other', root: Y.findRootTypeKey(current) }
}

function locateInBlocks(
  child: Y.Item | null,
  grandchild: Y.Item | null,
  keys: ReadonlySet<string | null>,
): ChangeLocation | undefined {
  if (child === null) return { at: 'blocks', keys }
  const block = child.content instanceof Y.ContentType ? child.content.type : undefined
  if (!(block instanceof Y.Map) || child.parentSub === null) return undefined
  if (grandchild === null) return { at: 'block', block, blockId: child.parentSub, keys }
  if (grandchild.parentSub === null) return undefined
  return { at: 'part', block, blockId: child.parentSub, part: grandchild.parentSub }
}
