import { forkDoc } from '@joinery/blocks'
import * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import { WorkspaceBlocks } from './workspace-blocks.ts'

/** What a keyed edit works on: a copy of the document. Good until the edit returns. */
export interface Draft {
  readonly doc: Y.Doc
  readonly blocks: WorkspaceBlocks
}

/**
 * The copy of a document that keyed edits are made on, one after the other. It can be kept from one to the next as long as
 * the document comes to hold what was made on it, since copying anew takes time.
 */
export class DraftDocument {
  readonly #live: Y.Doc
  readonly #doc: Y.Doc
  #phase: 'idle' | 'following' | 'editing' = 'idle'
  #edits: Uint8Array[] = []
  #isSpoilt = false

  /** `clientId` is that of an earlier draft of `live` that made nothing which `live` has not. */
  constructor(live: Y.Doc, clientId?: number) {
    this.#live = live
    this.#doc = forkDoc(live)
    if (clientId !== undefined) this.#doc.clientID = clientId
    this.#doc.on('update', (update: Uint8Array) => {
      if (this.#phase === 'editing') this.#edits.push(update)
      // By somebody who kept the draft: it is sent to nobody, and nothing may build on it.
      else if (this.#phase === 'idle') this.#isSpoilt = true
    })
  }

  get clientId(): number {
    return this.#doc.clientID
  }

  /** Whether it can follow `live`: it is a copy of that, and nobody has edited it behind an edit's back. */
  isOf(live: Y.Doc): boolean {
    return this.#live === live && !this.#isSpoilt
  }

  /**
   * Runs `edit` on what the document holds now. Returns what it did, as one Yjs V1 update. Throws what `edit` throws, and
   * `bad_options` when it is made later or elsewhere; the draft is of no more use then.
   */
  make(edit: (draft: Draft) => void): Uint8Array {
    this.#phase = 'following'
    Y.applyUpdate(this.#doc, Y.encodeStateAsUpdate(this.#live, Y.encodeStateVector(this.#doc)))
    let isLiveEdited = false
    const onLiveEdit = (): void => {
      isLiveEdited = true
    }
    this.#live.on('update', onLiveEdit)
    this.#edits = []
    this.#phase = 'editing'
    try {
      const doc = this.#doc
      const returned: unknown = doc.transact(() => edit({ doc, blocks: new WorkspaceBlocks(() => doc) }))
      if (returned instanceof Promise) {
        throw new ClientError('bad_options', 'a keyed edit is made at once: await before it, not in it')
      }
      if (isLiveEdited) {
        const message = 'a keyed edit was made on the workspace itself, where it does not count once: edit the draft'
        throw new ClientError('bad_options', message)
      }
      return Y.mergeUpdates(this.#edits)
    } finally {
      this.#phase = 'idle'
      this.#live.off('update', onLiveEdit)
    }
  }
}
