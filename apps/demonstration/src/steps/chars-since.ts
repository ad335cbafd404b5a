import * as Y from 'yjs'

/**
 * The characters of a text that were written since a state vector and stand, in order, those of client `except` left out.
 * By the structs themselves rather than by comparing strings, which can't tell one "a" from another.
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
