import * as Y from 'yjs'

/**
 * Characters of a text that were written after the state vector `base` and are not deleted, in order, without those of
 * client `except`. Looks at Yjs's structs, because comparing strings can't tell one "a" from another.
 */
export function charsSince(text: Y.Text, base: ReadonlyMap<number, number>, except?: number): string {
  let chars = ''
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted || item.id.client === except || !(item.content instanceof Y.ContentString)) continue
    const known = Math.max(0, (base.get(item.id.client) ?? 0) - item.id.clock)
    chars += item.content.str.slice(known)
  }
  return chars
}
