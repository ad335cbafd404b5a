import { forkDoc, textOverlaps } from '@joinery/blocks'
import type { Conflict } from '@joinery/protocol'
import * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import type { Replica } from './replica.ts'
import { WorkspaceBlocks } from './workspace-blocks.ts'

/** Origin of the transaction that merges a fork. Not undone by undo: it is a job's work, not a person's. */
export const FORK_ORIGIN: unique symbol = Symbol('joinery fork')

/**
 * A copy of a workspace's document as of one moment, for a job that reads now and writes minutes later. What it edits meets
 * what others did meanwhile as concurrent edits, character by character, instead of flattening it.
 */
export class Fork {
  /** Independent: nothing comes in, nothing goes out before `merge()`. */
  readonly doc: Y.Doc
  readonly blocks = new WorkspaceBlocks(() => this.doc)
  readonly #current: () => Replica
  readonly #base: Replica
  readonly #baseGeneration: string | undefined
  /** What the fork had of the workspace when it was made. */
  readonly #baseStateVector: Map<number, number>
  readonly #onConflict: (conflict: Conflict) => void
  #edits: Uint8Array[] = []

  /** `current` gives the workspace's replica of the moment; `onConflict` hears of texts that both sides changed. */
  constructor(current: () => Replica, onConflict: (conflict: Conflict) => void) {
    this.#onConflict = onConflict
    this.#current = current
    this.#base = current()
    this.#baseGeneration = this.#base.generation
    this.doc = forkDoc(this.#base.doc)
    this.#baseStateVector = Y.decodeStateVector(Y.encodeStateVector(this.doc))
    // The edits themselves rather than a difference of states: that would bring every deletion the base ever saw.
    this.doc.on('update', (update: Uint8Array) => this.#edits.push(update))
  }

  /**
   * Applies the edits made on the fork since it was made (or last merged) to the workspace, as one transaction. Where
   * they meet what others did to the same text, both are kept and everybody's `onConflict` hears of it. Throws
   * `generation_changed` when the workspace was replaced by another, and `fork_orphaned` when the fork builds on edits that
   * the server refused, or that are not loaded again yet (`await workspace.whenSynced`). Then nothing is applied.
   */
  merge(): void {
    const replica = this.#current()
    if (replica !== this.#base) this.#checkBase(replica)
    if (this.#edits.length === 0) return
    const update = Y.mergeUpdates(this.#edits)
    this.#edits = []
    const overlaps = textOverlaps(replica.doc, update, this.#baseStateVector)
    Y.applyUpdate(replica.doc, update, FORK_ORIGIN)
    for (const { block, typed, written } of overlaps) {
      const rule = 'both are kept: a job rewrote text that others changed meanwhile'
      const conflict: Conflict = { type: 'conflict', block, field: 'content', winner: typed, loser: written, rule }
      this.#onConflict(conflict)
      replica.tellConflict(conflict)
    }
  }

  #checkBase(replica: Replica): void {
    if (this.#baseGeneration === undefined || replica.generation !== this.#baseGeneration) {
      throw new ClientError('generation_changed', 'the fork was made of a workspace that has been replaced by another')
    }
    const has = Y.decodeStateVector(Y.encodeStateVector(replica.doc))
    for (const [client, clock] of this.#baseStateVector) {
      if ((has.get(client) ?? 0) >= clock) continue
      throw new ClientError('fork_orphaned', 'the fork builds on edits that the workspace does not have')
    }
  }
}
