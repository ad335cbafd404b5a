import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { type Block, createBlock } from '../index.ts'

/** A fresh doc with one block. */
export function docWithBlock(id = 'b1'): { doc: Y.Doc; block: Block } {
  const doc = new Y.Doc()
  return { doc, block: createBlock(doc, id, { type: 'text' }) }
}

/** Brings all docs to the same state, both ways. */
export function syncAll(...docs: readonly Y.Doc[]): void {
  for (let round = 0; round < 2; round++) {
    for (const from of docs) {
      for (const to of docs) if (from !== to) Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)))
    }
  }
}

export const WORKFLOW = { source: 'workflow_execution', actor: 'workflow-7' } as const
export const USER = { source: 'user_action', actor: 'ada' } as const
export const POLLER = { source: 'polling_sync', actor: 'poller' } as const

/** One update with nothing but garbage structs under a client id, as a forger sends it. */
export function gcUpdate(client: number, clock: number, length: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, 1, client, clock, 0, length, 0]) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}
