import { encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { EMPTY_STEP2, EMPTY_UPDATE } from './empty-update.ts'
import { mergeUpdates } from './merge-updates.ts'

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
  const last = updates.at(-1)
  if (last === undefined) return [encodeBinaryMessage(EMPTY_STEP2)]
  const before = updates.slice(0, -1).map((update) => encodeBinaryMessage(encodeUpdate(update)))
  return [...before, encodeBinaryMessage(encodeSyncStep2(last))]
}

/**
 * A live document's answer to clients that have nothing: its state as of the first such client, and the updates since
 * then.
 */
export class LiveAnswer {
  /** The kept state, as a message with an update frame. */
  #state: Uint8Array | undefined
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
      this.#state = encodeBinaryMessage(encodeUpdate(state))
    }
    this.#last ??= encodeBinaryMessage(
      this.#since.length === 0 ? encodeSyncStep2(EMPTY_UPDATE) : encodeSyncStep2(mergeUpdates(this.#since)),
    )
    return [this.#state, this.#last]
  }

  /** Notes an update that the document has integrated. */
  note(update: Uint8Array): void {
    if (this.#state === undefined) return
    this.#last = undefined
    this.#sinceBytes += update.length
    const isTooMuch = this.#sinceBytes > this.#state.length * SINCE_SHARE_MAX
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
