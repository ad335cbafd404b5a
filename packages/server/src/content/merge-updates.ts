import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'

/**
 * Updates merged at once. Yjs sorts all of them for every struct that it writes: a thousand at once cost a thousand
 * squared.
 */
const MERGE_MAX = 16

/** Largest number of clients that Yjs writes as one byte. */
const ONE_BYTE_MAX = 127

/**
 * Merges the updates of one tick, byte for byte as `Y.mergeUpdates` does. Updates of typing hold one client each, every
 * one another, and delete nothing. They are put side by side, while Yjs would decode and encode every struct.
 */
export function mergeTyping(updates: readonly Uint8Array[]): Uint8Array {
  const blocks: { readonly client: number; readonly structs: Uint8Array }[] = []
  for (const update of updates) {
    // The first byte counts the clients. The last byte is 0 only if nothing is deleted: the length of a deletion is not
    // 0.
    if (update[0] !== 1 || update[update.length - 1] !== 0) return mergeUpdates(updates)
    const structs = update.subarray(1, -1)
    const decoder = decoding.createDecoder(structs)
    decoding.readVarUint(decoder)
    blocks.push({ client: decoding.readVarUint(decoder), structs })
  }
  // Yjs writes higher clients first.
  blocks.sort((a, b) => b.client - a.client)
  const isShared = blocks.some(({ client }, index) => client === blocks[index + 1]?.client)
  if (isShared || blocks.length > ONE_BYTE_MAX) return mergeUpdates(updates)
  const merged = new Uint8Array(blocks.reduce((bytes, { structs }) => bytes + structs.length, 2))
  merged[0] = blocks.length
  let offset = 1
  for (const { structs } of blocks) {
    merged.set(structs, offset)
    offset += structs.length
  }
  return merged
}

/** Merges one or more updates as `Y.mergeUpdates` does, a few at a time. */
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
