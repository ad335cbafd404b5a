import { touchedSkeletons } from '@joinery/blocks'
import {
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
  WIRE_LIMITS,
} from '@joinery/protocol'
import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  modifyAwarenessUpdate,
  outdatedTimeout,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Outbox } from './outbox.ts'
import { steadyNow } from './steady-clock.ts'

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
  /** An edit is larger than one update frame: it can go up with the answer to the next SyncStep1 alone. */
  tooLargeToSend(): void
  /** The presence state has so many bytes, and was not sent. Told once until one is small enough. */
  presenceTooLarge(bytes: number): void
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
  #hasToldSize = false
  /** When the presence state was sent last, ms of `steadyNow()`. */
  #saidAtMs = Number.NEGATIVE_INFINITY
  /** Bytes of one update frame that the server takes on this connection. */
  updateBytesMax = WIRE_LIMITS.updateBytesMax

  constructor(doc: Y.Doc, awareness: Awareness, sender: () => FrameSender, events: DocumentSyncEvents) {
    this.#doc = doc
    this.#awareness = awareness
    this.#sender = sender
    this.#events = events
    // y-protocols renews by a timer, which a hidden tab runs once a minute, and takes others that are silent for 30 s for gone.
    // Here the server's frames are the clock, and the server tells who has gone.
    clearInterval(awareness._checkInterval)
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

  /** Takes a local edit, or a copy's document. It is sent at once, or with the answer to the next SyncStep1. `isNoted`: see the ledger. */
  written(update: Uint8Array, isNoted = false): void {
    this.outbox.ledger.write(isNoted)
    const sender = this.#sender()
    if (!sender.isOpen || !this.outbox.isAnswered) return
    if (update.length > this.updateBytesMax) return this.#events.tooLargeToSend()
    this.outbox.send('update', update)
    sender.send(encodeUpdate(update))
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
    this.#renewPresence()
    switch (frame.type) {
      case 'syncStep1':
        return this.answer(this.#lackedBy(frame.stateVector))
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

  /**
   * The edits that a server with this state vector lacks. They hold the skeletons of the blocks that the edits stand in, also if the server
   * seems to have them: their client ids may be another writer's there, and the server has to see that.
   */
  #lackedBy(stateVector: Uint8Array): Uint8Array {
    const known = Y.decodeStateVector(stateVector)
    for (const client of touchedSkeletons(this.#doc, known)) known.delete(client)
    return Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(known))
  }

  /** Applies a Yjs V1 update that the server has. This object is the transaction's origin. Throws when it can't be decoded. */
  apply(update: Uint8Array): void {
    take(
      () => Y.applyUpdate(this.#doc, update, this),
      () => Y.decodeUpdate(update),
    )
  }

  /** Stock clients forget a state that was not renewed for 30 s; the server sends a frame every 12 s. */
  #renewPresence(): void {
    const awareness = this.#awareness
    const state = awareness.getLocalState()
    if (state !== null && steadyNow() - this.#saidAtMs >= outdatedTimeout / 2) awareness.setLocalState(state)
  }

  #sayAwareness(): void {
    const bytes = encoder.encode(JSON.stringify(this.#awareness.getLocalState())).length
    const isTooLarge = bytes > WIRE_LIMITS.awarenessStateBytesMax
    if (isTooLarge && !this.#hasToldSize) this.#events.presenceTooLarge(bytes)
    this.#hasToldSize = isTooLarge
    this.#saidAtMs = steadyNow()
    if (isTooLarge) return
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

const encoder = new TextEncoder()

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
