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

/** The connection that a {@link DocumentSync} sends on. */
export interface FrameSender {
  readonly isOpen: boolean
  send(frame: Uint8Array): void
}

/** Events that a {@link DocumentSync} reports to its replica. */
export interface DocumentSyncEvents {
  /** The answer to the server's SyncStep1 went out: frames that build on it may follow. */
  answered(): void
  /** The server's state is in the document, for the first time on this connection. */
  synced(): void
}

/**
 * Speaks y-websocket's protocol for one document and its awareness. Counts the update frames that it sends as the server does:
 * per connection, in order, the answer to SyncStep1 included.
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

  /** Starts to sync on a connection that has opened. */
  opened(): void {
    this.outbox.open()
    this.#sender().send(encodeSyncStep1(Y.encodeStateVector(this.#doc)))
  }

  /** Ends the sync of a closed connection. The other clients are removed: it is not known whether they are still present. */
  closed(): void {
    this.#isSynced = false
    this.outbox.close()
    const others = [...this.#awareness.getStates().keys()].filter((id) => id !== this.#awareness.clientID)
    removeAwarenessStates(this.#awareness, others, this)
  }

  /** Takes a local edit. It is sent at once, or with the answer to the next SyncStep1. */
  written(update: Uint8Array): void {
    this.outbox.ledger.write()
    const sender = this.#sender()
    if (sender.isOpen && this.outbox.send('update', update)) sender.send(encodeUpdate(update))
  }

  /** Sends one update as the answer to a SyncStep1, also without a SyncStep1. */
  answer(update: Uint8Array): void {
    const sender = this.#sender()
    if (!sender.isOpen) return
    this.outbox.send('syncStep2', update)
    sender.send(encodeSyncStep2(update))
    this.#events.answered()
  }

  /** Takes one frame of the server. Throws when its payload can't be decoded. */
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

  /** Applies a Yjs V1 update that the server has. This object is the transaction's origin. Throws when it can't be decoded. */
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
   * Sends changes of this client's own state only: the server knows the others'. Sends nothing before the first sync: a client
   * that is rejected for its generation would be seen for a moment under its old client id.
   */
  readonly #onAwareness = (changes: Record<'added' | 'updated' | 'removed', number[]>): void => {
    if (!this.#isSynced) return
    if (Object.values(changes).some((ids) => ids.includes(this.#awareness.clientID))) this.#sayAwareness()
  }
}

/** Runs `apply`. If it throws, runs `decode` to tell bad bytes, which throw here, from an observer's error, which is thrown on its own. */
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
