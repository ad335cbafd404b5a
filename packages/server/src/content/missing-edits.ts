import * as Y from 'yjs'
import type { Clocks } from './waiting-structs.ts'

/**
 * The clocks that `doc` would have to reach for `update` to show at once, by Yjs client id; undefined when it builds on nothing
 * that is missing in both. Throws what Yjs throws on bytes that are no update.
 */
export function missingFor(doc: Y.Doc, update: Uint8Array): Clocks | undefined {
  const { structs, ds } = Y.decodeUpdate(update)
  const reached = new Map<number, number>()
  const stateOf = (client: number): number => reached.get(client) ?? Y.getState(doc.store, client)
  const missing = new Map<number, number>()
  const need = (client: number, clock: number): void => {
    if (clock > stateOf(client)) missing.set(client, Math.max(clock, missing.get(client) ?? 0))
  }
  // The structs of one client stand together, in the order of their clocks.
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    const { client, clock } = struct.id
    need(client, clock)
    if (clock <= stateOf(client)) reached.set(client, Math.max(stateOf(client), clock + struct.length))
  }
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue
    for (const id of [struct.origin, struct.rightOrigin, struct.parent]) {
      if (id instanceof Y.ID) need(id.client, id.clock + 1)
    }
  }
  for (const [client, ranges] of ds.clients) for (const { clock, len } of ranges) need(client, clock + len)
  return missing.size === 0 ? undefined : missing
}

/** The part that a document with `stateVector` lacks of updates that were applied in part, and the index of the first of these. */
export function lackingOf(
  cut: readonly { index: number; given: Uint8Array }[],
  stateVector: Uint8Array,
): { index: number; update: Uint8Array } | undefined {
  const parts = cut
    .map(({ index, given }) => ({ index, update: Y.diffUpdate(given, stateVector) }))
    .filter(({ update }) => Y.parseUpdateMeta(update).to.size > 0)
  const first = parts[0]
  return first && { index: first.index, update: Y.mergeUpdates(parts.map(({ update }) => update)) }
}
