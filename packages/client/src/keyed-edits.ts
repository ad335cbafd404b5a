import { isIdempotencyKey, KEY_BYTES_MAX } from '@joinery/protocol'
import { uuidv4 } from 'lib0/random'
import type * as Y from 'yjs'
import { orAborted, type WaitOptions } from './abort.ts'
import { ClientError } from './client-error.ts'
import { deferred } from './deferred.ts'
import { type Draft, DraftDocument } from './draft.ts'
import type { Replica } from './replica.ts'
import type { WorkspaceBlocks } from './workspace-blocks.ts'

export interface KeyedOptions extends WaitOptions {
  /** Names the edit in its workspace, forever: text of 1 to 1,024 bytes in UTF-8. */
  readonly idempotencyKey: string
  /** A lease that must stand in the turn in which the server makes the edit. */
  readonly lease?: { readonly token: string } | undefined
}

/** Options of an edit that has no idempotency key. */
export type UnkeyedOptions = WaitOptions & Pick<KeyedOptions, 'lease'> & { readonly idempotencyKey?: undefined }

/** An edit of the live document, made into one that counts once under a key of its own. */
export function keyedOf(
  edit: (transaction: Y.Transaction) => unknown,
  options: UnkeyedOptions,
): [(draft: Draft) => undefined, KeyedOptions] {
  return [(draft) => void draft.doc.transact(edit), { ...options, idempotencyKey: uuidv4() }]
}

export interface KeyedReceipt {
  /** LSN of the record that bears the key. */
  readonly lsn: number
  /** The server knew the key, from an earlier call or from this one before a reconnect. Nothing was applied again. */
  readonly isRepeated: boolean
}

const NO_UPDATE = new Uint8Array()

/** Edits that count once: see `Workspace.transactOnce`. They are made one after the other, so that each sees the ones before. */
export class KeyedEdits {
  readonly #current: () => Replica
  readonly #whenSynced: () => Promise<void>
  readonly #blocks: () => WorkspaceBlocks
  #lastTurn: Promise<void> = Promise.resolve()
  readonly #drafts = new WeakMap<Y.Doc, KeptDraft>()

  /** `current` returns the workspace's present replica; `whenSynced` waits for its first sync; `blocks` returns its blocks. */
  constructor(current: () => Replica, whenSynced: () => Promise<void>, blocks: () => WorkspaceBlocks) {
    this.#blocks = blocks
    this.#current = current
    this.#whenSynced = whenSynced
  }

  async make(edit: (draft: Draft) => void, { idempotencyKey, ...options }: KeyedOptions): Promise<KeyedReceipt> {
    const { signal } = options
    if (!isIdempotencyKey(idempotencyKey)) {
      throw new ClientError('bad_options', `an idempotency key is text of 1 to ${KEY_BYTES_MAX} bytes`)
    }
    const before = this.#lastTurn
    const turn = deferred<void>()
    this.#lastTurn = before.then(() => turn.promise)
    try {
      await orAborted(before, signal)
      for (;;) {
        await orAborted(this.#whenSynced(), signal)
        const replica = this.#current()
        try {
          const receipt = await this.#send(replica, edit, idempotencyKey, options)
          // The edit made a block by a name whose client id another writer has just used: the next draft takes another id.
          if (receipt !== 'outdated') return receipt
        } catch (error) {
          // The document was replaced because other edits were refused. With a key, it is safe to try again on the new one.
          if (this.#current() === replica || isOtherWorkspace(error)) throw error
        }
      }
    } finally {
      turn.resolve()
    }
  }

  #takeDraft(live: Y.Doc): DraftDocument {
    const kept = this.#drafts.get(live)
    this.#drafts.delete(live)
    const draft = kept?.draft.deref()
    if (draft === undefined) return new DraftDocument(live, this.#blocks(), kept?.clientId)
    return draft.isOf(live) ? draft : new DraftDocument(live, this.#blocks())
  }

  async #send(
    replica: Replica,
    edit: (draft: Draft) => void,
    key: string,
    { signal, lease }: Omit<KeyedOptions, 'idempotencyKey'>,
  ): Promise<KeyedReceipt | 'outdated'> {
    const draft = this.#takeDraft(replica.doc)
    let update: Uint8Array
    try {
      update = draft.make(edit)
    } catch (error) {
      // The edit may fail because its first run was applied: ask the server for the key.
      const known = await replica.sendKeyed(key, NO_UPDATE, { signal })
      if (known.outcome === 'repeated') return { lsn: known.lsn, isRepeated: true }
      throw error
    }
    const result = await replica.sendKeyed(key, update, { signal, lease: lease?.token })
    switch (result.outcome) {
      case 'applied':
        replica.receive(update)
        this.#drafts.set(replica.doc, { clientId: draft.clientId, draft: weakly(draft) })
        return { lsn: result.lsn, isRepeated: false }
      case 'repeated':
        return { lsn: result.lsn, isRepeated: true }
      case 'refused':
        if (result.code === 'client_id_owned' && draft.isOutdated) return 'outdated'
        if (result.code === 'lease_lost') throw new ClientError('lease_lost', result.reason)
        throw new ClientError('rejected', result.reason, { rejection: result.code })
      case 'unknown':
        throw new ClientError('bad_frame', 'the server answered a question that was not asked')
    }
  }
}

/**
 * The last draft of a document. It is kept only if the server has all of its edits: otherwise two different edits could get the
 * same Yjs ids. It takes as much memory as the document, so it is held weakly. If it is collected, the next draft is a new copy
 * with the same client id, because each further client id stays in every state vector forever.
 */
interface KeptDraft {
  readonly clientId: number
  readonly draft: Pick<WeakRef<DraftDocument>, 'deref'>
}

/** Strongly where there is no WeakRef: memory rather than a new copy for each edit. */
function weakly<T extends object>(target: T): Pick<WeakRef<T>, 'deref'> {
  return typeof WeakRef === 'undefined' ? { deref: () => target } : new WeakRef(target)
}

function isOtherWorkspace(error: unknown): boolean {
  return error instanceof ClientError && ['generation_changed', 'actor_changed'].includes(error.code)
}
