import { encodeAwareness, encodeSyncStep1, encodeSyncStep2, encodeUpdate, type Frame } from '@joinery/protocol'
import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  modifyAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Outbox } from './outbox.ts'

/** The connection that a {@link DocumentSync} speaks on. */
export interface FrameSender {
  readonly isOpen: boolean
  send(frame: Uint8Array): void
}

/** What a {@link DocumentSync} tells its replica. */
export interface DocumentSyncEvents {
  /** The server has been sent what it lacked: what builds on it may follow. */
  answered(): void
  /** The server's state is in the document, for the first time on this connection. */
  synced(): void
}

/**
 * Speaks y-websocket's protocol for one document and its awareness, and counts the update frames that go out as the server
 * counts them: per connection, in order, the answer to SyncStep1 included.
 */
export class DocumentSync {
  readonly outbox = new Outbox()
  readonly #doc: Y.Doc
  readonly #awareness: Awareness
  readonly #sender: () => FrameSender
  readonly #events: DocumentSyncEvents
  #isSynced = false

  constructor(doc: Y.Doc, awareness: Awareness, sender: () => FrameSender, events: DocumentSyncEvents) {
    this.#doc = doc
    this.#awareness = awareness
    this.#sender = sender
    this.#events = events
    awareness.on('update', this.#onAwareness)
  }

  /** A connection is open. */
  opened(): void {
    this.outbox.open()
    this.#sender().send(encodeSyncStep1(Y.encodeStateVector(this.#doc)))
  }

  /** It is not any more: whoever else was present is not known to be. */
  closed(): void {
    this.#isSynced = false
    this.outbox.close()
    const others = [...this.#awareness.getStates().keys()].filter((id) => id !== this.#awareness.clientID)
    removeAwarenessStates(this.#awareness, others, this)
  }

  /** One edit was made here: it goes out by itself, or with the answer to the next SyncStep1. */
  written(update: Uint8Array): void {
    this.outbox.ledger.write()
    const sender = this.#sender()
    if (sender.isOpen && this.outbox.send('update', update)) sender.send(encodeUpdate(update))
  }

  /** Sends one update as the answer to a SyncStep1, asked for or not. */
  answer(update: Uint8Array): void {
    const sender = this.#sender()
    if (!sender.isOpen) return
    this.outbox.send('syncStep2', update)
    sender.send(encodeSyncStep2(update))
    this.#events.answered()
  }

  /** Takes one frame. Throws what the bytes of its payload are at fault for. */
  received(frame: Frame): void {
    switch (frame.type) {
      case 'syncStep1':
        return this.answer(Y.encodeStateAsUpdate(this.#doc, frame.stateVector))
      case 'syncStep2':
        this.apply(frame.update)
        if (this.#isSynced) return
        this.#isSynced = true
        return this.#events.synced()
      case 'update':
        return this.apply(frame.update)
      case 'awareness':
        return take(
          () => applyAwarenessUpdate(this.#awareness, frame.update, this),
          () => modifyAwarenessUpdate(frame.update, (state) => state),
        )
      case 'queryAwareness':
        return this.#sayAwareness()
    }
  }

  /** Takes a Yjs V1 update that the server has; this object is its transaction's origin. Throws when it can't be read. */
  apply(update: Uint8Array): void {
    take(
      () => Y.applyUpdate(this.#doc, update, this),
      () => Y.decodeUpdate(update),
    )
  }

  #sayAwareness(): void {
    const update = encodeAwarenessUpdate(this.#awareness, [this.#awareness.clientID])
    this.#sender().send(encodeAwareness(update))
  }

  /**
   * Only what is said here: stock clients echo what others said, too, which the server knows. And only once synced, when
   * presence is announced: who is turned away for another generation would be seen for a moment under the old client id.
   */
  readonly #onAwareness = (changes: Record<'added' | 'updated' | 'removed', number[]>): void => {
    if (!this.#isSynced) return
    if (Object.values(changes).some((ids) => ids.includes(this.#awareness.clientID))) this.#sayAwareness()
  }
}

/** Takes what came. Throws what `decode` throws; else an observer of the application threw, and its error is its own. */
function take(apply: () => void, decode: () => void): void {
  try {
    apply()
  } catch (error) {
    decode()
    queueMicrotask(() => {
      throw error
    })
  }
}
