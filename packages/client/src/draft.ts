import { forkDoc, moveSkeletons } from '@joinery/blocks'
import * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import type { WorkspaceBlocks } from './workspace-blocks.ts'

/** The copy of the document that a keyed edit works on. Valid until the edit returns. */
export interface Draft {
  readonly doc: Y.Doc
  readonly blocks: WorkspaceBlocks
}

/**
 * The copy of a document on which keyed edits are made, one after the other. A draft can serve several edits, as long as the
 * document gets every edit that was made on the draft: to copy the document again takes time.
 */
export class DraftDocument {
  readonly #live: Y.Doc
  readonly #blocks: WorkspaceBlocks
  readonly #doc: Y.Doc
  #phase: 'idle' | 'following' | 'editing' = 'idle'
  #edits: Uint8Array[] = []
  #isSpoilt = false

  /**
   * `blocks` are the blocks of `live`. `clientId` is the Yjs client id of an earlier draft of `live`: `live` must
   * have everything that this draft made.
   */
  constructor(live: Y.Doc, blocks: WorkspaceBlocks, clientId?: number) {
    this.#live = live
    this.#blocks = blocks
    this.#doc = forkDoc(live)
    if (clientId !== undefined) this.#doc.clientID = clientId
    this.#doc.on('update', (update: Uint8Array) => {
      if (this.#phase === 'editing') this.#edits.push(update)
      // The application kept the draft and edits it now. The server never gets that edit, so no later edit may build on it.
      else if (this.#phase === 'idle') this.#isSpoilt = true
    })
  }

  get clientId(): number {
    return this.#doc.clientID
  }

  /** Whether the draft is a copy of `live` that was edited only by {@link make}. */
  isOf(live: Y.Doc): boolean {
    return this.#live === live && !this.#isSpoilt
  }

  /** Whether the draft has a block whose client id another writer has used in the live document by now: the edit can be made again. */
  get isOutdated(): boolean {
    return moveSkeletons(this.#doc, this.#live) !== undefined
  }

  /**
   * Brings the draft up to date and runs `edit` on it. Returns the edit as one Yjs V1 update. Throws the error of `edit`, and
   * `bad_options` when `edit` is asynchronous or edits the live document. After an error the draft can't be used again.
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
      const returned: unknown = doc.transact(() => edit({ doc, blocks: this.#blocks.of(doc) }))
      if (returned instanceof Promise) {
        throw new ClientError('bad_options', 'a keyed edit must be synchronous: await before transactOnce, not in it')
      }
      if (isLiveEdited) {
        const message = 'a keyed edit changed the workspace itself, where it would count twice: edit the draft instead'
        throw new ClientError('bad_options', message)
      }
      return Y.mergeUpdates(this.#edits)
    } finally {
      this.#phase = 'idle'
      this.#live.off('update', onLiveEdit)
    }
  }
}
