import * as Y from 'yjs'

/** Deeper than any type that the document rules let in; a walk up stops there whatever it meets. */
const TYPE_DEPTH_MAX = 128

/** Where in a Joinery document a changed type stands. `keys` are what changed in it: null for a list's or text's items. */
export type ChangeLocation =
  /** The map of blocks itself: the blocks of these ids were created, replaced or deleted. */
  | { readonly at: 'blocks'; readonly keys: ReadonlySet<string | null> }
  /** A block's own map: these of its keys were written. */
  | {
      readonly at: 'block'
      readonly block: Y.Map<unknown>
      readonly blockId: string
      readonly keys: ReadonlySet<string | null>
    }
  /** Inside one part of a block, however deep. */
  | { readonly at: 'part'; readonly block: Y.Map<unknown>; readonly blockId: string; readonly part: string }
  /** Inside the map of edges. */
  | { readonly at: 'edges'; readonly keys: ReadonlySet<string | null> }
  /** Another root type of this document, by its name. */
  | { readonly at: 'other'; readonly root: string }

/** A Yjs type as a transaction lists it. */
export type ChangedType = Y.Transaction['changed'] extends Map<infer Type, unknown> ? Type : never

/** Where `type` stands in `doc`; undefined when it hangs on nothing (a deleted parent, too deep). */
export function locateChange(
  doc: Y.Doc,
  type: ChangedType,
  keys: ReadonlySet<string | null>,
): ChangeLocation | undefined {
  // The last three types of the walk are all that matters: root, its child, its grandchild.
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
