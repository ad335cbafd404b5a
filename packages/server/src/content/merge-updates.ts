import * as Y from 'yjs'

/** Updates merged at once: Yjs sorts all of them for every struct it writes, so a thousand at once cost a thousand squared. */
const MERGE_MAX = 16

/** `Y.mergeUpdates` of one or more, a few at a time. */
export function mergeUpdates(updates: readonly Uint8Array[]): Uint8Array {
  let level = updates
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let start = 0; start < level.length; start += MERGE_MAX) {
      next.push(Y.mergeUpdates(level.slice(start, start + MERGE_MAX)))
    }
    level = next
  }
  return level[0] as Uint8Array
}
