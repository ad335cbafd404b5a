import * as Y from 'yjs'
import { UpdateError } from './apply-update.ts'
import { visitUpdate } from './struct-spans.ts'
import type { Clocks } from './waiting-structs.ts'

/**
 * The clocks that `doc` would have to reach for `update` to show at once, by Yjs client id; undefined when it builds on nothing
 * that is missing in both. Throws {@link UpdateError} on bytes that are no update.
 */
export function missingFor(doc: Y.Doc, update: Uint8Array): Clocks | undefined {
  try {
    return missingIn(doc, update)
  } catch (cause) {
    throw new UpdateError('the update is no Yjs V1 update', { cause })
  }
}

function missingIn(doc: Y.Doc, update: Uint8Array): Clocks | undefined {
  const reached = new Map<number, number>()
  const stateOf = (client: number): number => reached.get(client) ?? Y.getState(doc.store, client)
  const missing = new Map<number, number>()
  const need = (client: number, clock: number): void => {
    if (clock > stateOf(client)) missing.set(client, Math.max(clock, missing.get(client) ?? 0))
  }
  // The structs of one client stand together, in the order of their clocks.
  visitUpdate(update, {
    struct(client, { clock, length, isSkip }) {
      if (isSkip) return
      need(client, clock)
      if (clock <= stateOf(client)) reached.set(client, Math.max(stateOf(client), clock + length))
    },
  })
  visitUpdate(update, {
    struct(_client, { needs }) {
      for (let at = 0; at < needs.length; at += 2) need(needs[at] as number, (needs[at + 1] as number) + 1)
    },
    deletion: (client, clock, length) => need(client, clock + length),
  })
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
