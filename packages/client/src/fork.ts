import { forkDoc, moveSkeletons, textOverlaps } from '@joinery/blocks'
import type { Conflict } from '@joinery/protocol'
import * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import type { Replica } from './replica.ts'
import type { WorkspaceBlocks } from './workspace-blocks.ts'

/** Origin of the transaction that merges a fork. Undo does not take it back: it is a job's work, not a person's. */
export const FORK_ORIGIN: unique symbol = Symbol('joinery fork')

/**
 * A copy of a workspace's document at one moment, for a job that reads now and writes minutes later. Its edits merge with the
 * edits that others made meanwhile, character by character, and do not overwrite them.
 */
export class Fork {
  /** The fork's document. It gets no edits of others; nobody gets its edits before `merge()`. */
  readonly doc: Y.Doc
  readonly blocks: WorkspaceBlocks
  readonly #current: () => Replica
  readonly #base: Replica
  readonly #baseGeneration: string | undefined
  /** State vector of the workspace when the fork was made. */
  readonly #baseStateVector: Map<number, number>
  readonly #onConflict: (conflict: Conflict) => void
  #edits: Uint8Array[] = []

  /**
   * `current` returns the workspace's present replica, whose blocks are `blocks`. `onConflict` is called for each text that both
   * sides changed.
   */
  constructor(current: () => Replica, blocks: WorkspaceBlocks, onConflict: (conflict: Conflict) => void) {
    this.#onConflict = onConflict
    this.#current = current
    this.#base = current()
    this.#baseGeneration = this.#base.generation
    this.doc = forkDoc(this.#base.doc)
    this.blocks = blocks.of(this.doc)
    this.#baseStateVector = Y.decodeStateVector(Y.encodeStateVector(this.doc))
    // Collects the edits. A difference of states would hold every deletion that the base ever saw.
    this.doc.on('update', (update: Uint8Array) => this.#edits.push(update))
  }

  /**
   * Applies the fork's edits since its creation, or since the last merge, to the workspace in one transaction. If others edited
   * the same text meanwhile, both edits are kept and everybody's `onConflict` is called. Throws `generation_changed` when the
   * workspace was replaced by another, and `fork_orphaned` when the fork builds on edits that the server refused or that are
   * not loaded yet (`await workspace.whenSynced`). If it throws, nothing is applied.
   */
  merge(): void {
    const replica = this.#current()
    if (replica !== this.#base) this.#checkBase(replica)
    if (this.#edits.length === 0) return
    const update = moveSkeletons(this.doc, replica.doc) ?? Y.mergeUpdates(this.#edits)
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
      throw new ClientError(
        'generation_changed',
        'the workspace was replaced by another after the fork was made: fork again',
      )
    }
    const has = Y.decodeStateVector(Y.encodeStateVector(replica.doc))
    for (const [client, clock] of this.#baseStateVector) {
      if ((has.get(client) ?? 0) >= clock) continue
      throw new ClientError('fork_orphaned', 'the fork builds on edits that the workspace does not have: fork again')
    }
  }
}
