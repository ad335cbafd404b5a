import { encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { EMPTY_STEP2, EMPTY_UPDATE } from './empty-update.ts'
import { mergeUpdates } from './merge-updates.ts'
import { splitUpdate } from './update-parts.ts'

/**
 * Bytes of one message of an answer. A stock client hangs up when no message arrives for 30 s, however many bytes of one do:
 * at 60 kB/s a message of this size takes 9 s.
 */
const MESSAGE_BYTES = 512 * 1024
/** An update up to this size, bytes, is sent whole: taking it apart costs more than the wait is worth. */
const WHOLE_BYTES_MAX = 2 * MESSAGE_BYTES

/**
 * Size of a state from which on one encoding serves all who join in the same moments, bytes. A smaller one is cheaper
 * to repeat.
 */
const SHARED_BYTES_MIN = 16 * 1024
/**
 * Limits of what is written after a kept state, as a share of its bytes and in updates. Beyond them the state is
 * encoded anew.
 */
const SINCE_SHARE_MAX = 1 / 4
const SINCE_UPDATES_MAX = 500

/**
 * The WebSocket messages that answer SyncStep1 with V1 updates, to be applied in order. The last one is the SyncStep2,
 * so that a client counts as synced only when it has everything.
 */
export function encodeSyncAnswer(updates: readonly Uint8Array[]): readonly Uint8Array[] {
  const parts = updates.flatMap(inParts)
  const last = parts.pop()
  if (last === undefined) return [encodeBinaryMessage(EMPTY_STEP2)]
  return [...encodeUpdates(parts), encodeBinaryMessage(encodeSyncStep2(last))]
}

/** Yjs V1 updates as messages, each small enough for a slow connection. */
export function encodeUpdates(updates: readonly Uint8Array[]): readonly Uint8Array[] {
  return updates.flatMap(inParts).map((update) => encodeBinaryMessage(encodeUpdate(update)))
}

function inParts(update: Uint8Array): readonly Uint8Array[] {
  return update.length <= WHOLE_BYTES_MAX ? [update] : splitUpdate(update, MESSAGE_BYTES)
}

/**
 * A live document's answer to clients that have nothing: its state as of the first such client, and the updates since
 * then.
 */
export class LiveAnswer {
  /** The state, as messages with update frames; together {@link #stateBytes}. */
  #state: readonly Uint8Array[] | undefined
  #stateBytes = 0
  #since: Uint8Array[] = []
  #sinceBytes = 0
  /** The updates since the kept state, as a message with a SyncStep2. */
  #last: Uint8Array | undefined
  #isUsed = false

  /** The messages for a client that has nothing. `encode` returns the whole state, one V1 update. */
  messages(encode: () => Uint8Array): readonly Uint8Array[] {
    this.#isUsed = true
    if (this.#state === undefined) {
      const state = encode()
      if (state.length < SHARED_BYTES_MIN) return encodeSyncAnswer([state])
      this.#state = encodeUpdates([state])
      this.#stateBytes = state.length
    }
    this.#last ??= encodeBinaryMessage(
      this.#since.length === 0 ? encodeSyncStep2(EMPTY_UPDATE) : encodeSyncStep2(mergeUpdates(this.#since)),
    )
    return [...this.#state, this.#last]
  }

  /** Notes an update that the document has integrated. */
  note(update: Uint8Array): void {
    if (this.#state === undefined) return
    this.#last = undefined
    this.#sinceBytes += update.length
    const isTooMuch = this.#sinceBytes > this.#stateBytes * SINCE_SHARE_MAX
    if (this.#since.push(update) > SINCE_UPDATES_MAX || isTooMuch) this.#discard()
  }

  /** Discards the kept state if nobody has asked for it since the last sweep. Called about once a second. */
  sweep(): void {
    if (!this.#isUsed) this.#discard()
    this.#isUsed = false
  }

  #discard(): void {
    this.#state = undefined
    this.#last = undefined
    this.#since = []
    this.#sinceBytes = 0
  }
}
