import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { Refusal } from './document-rules.ts'
import { findOtherContent, mayOverlap, structsOf } from './same-content.ts'
import { hasAtMost } from './struct-spans.ts'

/**
 * Most structs and deletions of an update that is compared with a document and inspected at once: an object is made of each, some 500
 * bytes. Updates have fewer, under the rules of blocks.
 */
export const COMPARED_MAX = 150_000

/** Most structs and deletions of an update. One beyond {@link COMPARED_MAX} is taken in pieces: 50,000 blocks have 450,000. */
export const UPDATE_STRUCTS_MAX = 1_000_000

/**
 * Whether an update may be one that brings nothing new, `endOf` being the first clock of a client that is not there. Costs next to
 * nothing where the answer is no: this is asked of updates of all sizes, before anything else is.
 */
export function mayBeKnown(update: Uint8Array, endOf: (client: number) => number): boolean {
  try {
    const decoder = decoding.createDecoder(update)
    if (decoding.readVarUint(decoder) > 0) {
      const structs = decoding.readVarUint(decoder)
      const client = decoding.readVarUint(decoder)
      // Each struct has one clock at least.
      if (decoding.readVarUint(decoder) + structs > endOf(client)) return false
    }
  } catch {
    return true
  }
  return isComparable(update)
}

/** Whether `doc` may already have everything in `update`: see {@link mayBeKnown}. */
export function mayInclude({ store }: Y.Doc, update: Uint8Array): boolean {
  return mayBeKnown(update, (client) => Y.getState(store, client))
}

/** Whether an update has so few structs and deletions that it can be compared with a document. */
export function isComparable(update: Uint8Array): boolean {
  return hasAtMost(update, COMPARED_MAX)
}

/** Whether `doc` already has everything in `update`, with the same content. Throws what Yjs throws on bytes that are no update. */
export function includesUpdate(doc: Y.Doc, update: Uint8Array): boolean {
  if (!mayInclude(doc, update)) return false
  const { store } = doc
  const { structs, ds } = Y.decodeUpdate(update)
  for (const struct of structs) {
    if (!(struct instanceof Y.Skip) && struct.id.clock + struct.length > Y.getState(store, struct.id.client))
      return false
  }
  for (const [client, ranges] of ds.clients) {
    for (const { clock, len } of ranges) {
      for (let at = clock; at < clock + len; ) {
        if (at >= Y.getState(store, client)) return false
        const struct = Y.getItem(store, Y.createID(client, at))
        if (!struct.deleted) return false
        at = struct.id.clock + struct.length
      }
    }
  }
  return findOtherContent(update, structsOf(doc), structs) === undefined
}

/** The refusal of an update that has too many structs to be compared or inspected at once. To be asked before anything is decoded. */
export function refusalOfSize(update: Uint8Array): Refusal | undefined {
  if (isComparable(update)) return undefined
  const reason = `The update has more than ${COMPARED_MAX} structs, of which a range of deletions counts as five, a subdocument as eight, and eight values as one: send the edits in smaller updates`
  return { code: 'too_large', reason }
}

/**
 * The refusal of an update that brings other content under clocks that `doc` has. Yjs would ignore the update silently, and its
 * sender would be told that it is saved.
 */
export function refusalOfOther(doc: Y.Doc, update: Uint8Array): Refusal | undefined {
  let client: number | undefined
  try {
    if (!mayOverlap(update, (one) => Y.getState(doc.store, one))) return undefined
    client = findOtherContent(update, structsOf(doc))
  } catch {
    // Bytes that can't be read: the rules, or Yjs, say what is wrong with them.
  }
  if (client === undefined) return undefined
  return {
    code: 'client_id_owned',
    reason: `Other content stands here under client id ${client} already: two documents use it. Load the workspace into a new Y.Doc, and bring the edits into that one (blocks by name: moveSkeletons of @joinery/blocks)`,
    isLasting: true,
  }
}
