import { isMachineName } from '@joinery/blocks'
import * as Y from 'yjs'

/** A status of a resource that an update holds, wherever in it. */
export interface ForeignStatus {
  readonly machine: string
  readonly name: string
  readonly status: string
}

/** The contents of Yjs that hold plain values. */
const CARRIERS = [Y.ContentAny, Y.ContentEmbed, Y.ContentJSON]

/**
 * The first status of a machine in a Yjs V1 update, also in edits that wait for others; undefined if there is none. Another program
 * lets anybody write anything, so that nobody knows whether a provider or a forger said it.
 */
export function firstStatusIn(update: Uint8Array): ForeignStatus | undefined {
  for (const struct of Y.decodeUpdate(update).structs) {
    if (!(struct instanceof Y.Item) || !CARRIERS.some((carrier) => struct.content instanceof carrier)) continue
    // A plain array in place of a list is read like the list.
    for (const value of struct.content.getContent().flat(1)) {
      const { machine, name, status, run } = (value ?? {}) as Readonly<Record<string, unknown>>
      if (isMachineName(machine) && run !== undefined) return { machine, name: String(name), status: String(status) }
    }
  }
  return undefined
}
