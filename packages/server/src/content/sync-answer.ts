import { encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { EMPTY_STEP2, EMPTY_UPDATE } from './empty-update.ts'
import { mergeUpdates } from './merge-updates.ts'

/** States from this size on, bytes, are encoded once for all who join in the same moments; smaller ones cost less than keeping them. */
const SHARED_BYTES_MIN = 16 * 1024
/** What may have been written since a kept state, as a share of it and in updates, before it is encoded anew. */
const SINCE_SHARE_MAX = 1 / 4
const SINCE_UPDATES_MAX = 500

/**
 * The WebSocket messages that answer SyncStep1 with V1 updates, to be applied in order. The last is the SyncStep2, so that
 * a client counts as synced only when all is there.
 */
export function encodeSyncAnswer(updates: readonly Uint8Array[]): readonly Uint8Array[] {
  const last = updates.at(-1)
  if (last === undefined) return [encodeBinaryMessage(EMPTY_STEP2)]
  const before = updates.slice(0, -1).map((update) => encodeBinaryMessage(encodeUpdate(update)))
  return [...before, encodeBinaryMessage(encodeSyncStep2(last))]
}

/** The answer of a live document to those who have nothing: its state as of the first who asked, and what was written since. */
export class LiveAnswer {
  /** The state, as a message with an update frame. */
  #state: Uint8Array | undefined
  #since: Uint8Array[] = []
  #sinceBytes = 0
  /** What was written since, as a message with a SyncStep2. */
  #last: Uint8Array | undefined
  #isUsed = false

  /** `encode` gives the whole state, one V1 update. */
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

  /** Takes in an update that the document has integrated. */
  note(update: Uint8Array): void {
    if (this.#state === undefined) return
    this.#last = undefined
    this.#sinceBytes += update.length
    const isTooMuch = this.#sinceBytes > this.#state.length * SINCE_SHARE_MAX
    if (this.#since.push(update) > SINCE_UPDATES_MAX || isTooMuch) this.#letGo()
  }

  /** Called about once a second: lets go what nobody has asked for since the last time. */
  sweep(): void {
    if (!this.#isUsed) this.#letGo()
    this.#isUsed = false
  }

  #letGo(): void {
    this.#state = undefined
    this.#last = undefined
    this.#since = []
    this.#sinceBytes = 0
  }
}
