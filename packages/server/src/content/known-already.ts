import * as Y from 'yjs'
import type { Refusal } from './document-rules.ts'
import { findOtherContent, structsOf } from './same-content.ts'

/** Whether `doc` already has everything in `update`, with the same content. Throws what Yjs throws on bytes that are no update. */
export function includesUpdate(doc: Y.Doc, update: Uint8Array): boolean {
  const { structs, ds } = Y.decodeUpdate(update)
  const { store } = doc
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
  return findOtherContent(update, structsOf(doc)) === undefined
}

/**
 * The refusal of an update that brings other content under clocks that `doc` has. Yjs would ignore the update silently, and
 * its sender would be told that it is saved.
 */
export function refusalOfOther(doc: Y.Doc, update: Uint8Array): Refusal | undefined {
  let client: number | undefined
  try {
    client = findOtherContent(update, structsOf(doc))
  } catch {
    // Bytes that can't be read: the rules, or Yjs, say what is wrong with them.
  }
  if (client === undefined) return undefined
  return {
    code: 'client_id_owned',
    reason: `Other content stands here under client id ${client} already: two documents use it; make a new Y.Doc`,
  }
}
