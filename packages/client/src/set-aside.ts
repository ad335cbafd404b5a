import { uuidv4 } from 'lib0/random'
import { asideCause, type ResetCause } from './document-reset.ts'
import type { KeptCopies } from './kept-copies.ts'
import type { SetAsideCopy } from './local-copies.ts'

/** Length of a Yjs V1 update without structs and deletions. */
const EMPTY_UPDATE_BYTES = 2

/**
 * The edits that one workspace has set aside: local copies, and documents that had none. The latter stay in memory until
 * the workspace closes.
 */
export class SetAside {
  /** The workspace's local copies; undefined where none is kept. */
  readonly copies: KeptCopies | undefined
  readonly #inMemory = new Map<string, { readonly copy: SetAsideCopy; readonly update: Uint8Array }>()

  constructor(copies: KeptCopies | undefined) {
    this.copies = copies
  }

  /**
   * Keeps a document that has no local copy, unless it is empty, or only waits for its actor. `update` is one Yjs V1
   * update, as `Reset` has it. Returns the id under which it is kept.
   */
  keep(cause: ResetCause, update: Uint8Array): string | undefined {
    if (cause.cause === 'actor_changed' || update.length <= EMPTY_UPDATE_BYTES) return undefined
    const copy = { ...asideCause(cause, update), id: uuidv4(), atMs: Date.now() }
    this.#inMemory.set(copy.id, { copy, update })
    return copy.id
  }

  /** All that was set aside, oldest first. */
  async list(): Promise<SetAsideCopy[]> {
    const inMemory = [...this.#inMemory.values()].map(({ copy }) => copy)
    return [...((await this.copies?.list()) ?? []), ...inMemory].sort((a, b) => a.atMs - b.atMs)
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    return this.#inMemory.get(id)?.update ?? this.copies?.read(id)
  }

  async discard(id: string): Promise<void> {
    if (!this.#inMemory.delete(id)) await this.copies?.discard(id)
  }
}
