import { encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import * as Y from 'yjs'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { EMPTY_STEP2, EMPTY_UPDATE, isEmptyUpdate } from './empty-update.ts'
import { lackingSpans } from './lacking-spans.ts'
import { mergeUpdates } from './merge-updates.ts'
import { encodeStateVector } from './state-vector.ts'
import type { Pace, Steps } from './steps.ts'
import { readingSpans } from './struct-spans.ts'
import { splittingSpans, splittingUpdate } from './update-parts.ts'
import type { Clocks } from './waiting-structs.ts'

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
 * Limits of the updates since a kept state, as a share of its bytes and in number; together they are one message. Beyond them the
 * state is encoded anew.
 */
const SINCE_SHARE_MAX = 1 / 4
const SINCE_UPDATES_MAX = 500

/**
 * The steps to the WebSocket messages that answer SyncStep1. The last one is the SyncStep2, so that a client counts as synced
 * only when it has everything.
 */
export function* encodingSyncAnswer(updates: readonly Uint8Array[], pace: Pace): Steps<readonly Uint8Array[]> {
  const parts = yield* inParts(updates, pace)
  const last = parts.pop()
  if (last === undefined) return [encodeBinaryMessage(EMPTY_STEP2)]
  return [...(yield* asMessages(parts, pace)), encodeBinaryMessage(encodeSyncStep2(last))]
}

/** The steps to the messages of updates, each small enough for a slow connection. */
export function* encodingUpdates(updates: readonly Uint8Array[], pace: Pace): Steps<readonly Uint8Array[]> {
  return yield* asMessages(yield* inParts(updates, pace), pace)
}

function* asMessages(updates: readonly Uint8Array[], pace: Pace): Steps<readonly Uint8Array[]> {
  const messages: Uint8Array[] = []
  for (const update of updates) {
    messages.push(encodeBinaryMessage(encodeUpdate(update)))
    if (pace.isOver) yield
  }
  return messages
}

function* inParts(updates: readonly Uint8Array[], pace: Pace): Steps<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for (const update of updates) {
    if (update.length <= WHOLE_BYTES_MAX) parts.push(update)
    else parts.push(...(yield* splittingUpdate(update, { bytesMax: MESSAGE_BYTES }, pace)))
  }
  return parts
}

/**
 * The steps to the part of an update that a reader lacks who has everything before `known`: one update, or several if it is larger
 * than a message, to be applied in order; none if the reader lacks nothing. An update that is not large is read in one turn.
 */
export function* encodingDiff(update: Uint8Array, known: Clocks, pace: Pace): Steps<readonly Uint8Array[]> {
  if (update.length <= WHOLE_BYTES_MAX) {
    const diff = Y.diffUpdate(update, encodeStateVector(new Map(known)))
    return isEmptyUpdate(diff) ? [] : [diff]
  }
  const spans = yield* readingSpans(update, pace)
  const lacking = yield* lackingSpans({ update, spans }, known, pace)
  const parts = yield* splittingSpans(lacking.update, lacking.spans, { bytesMax: MESSAGE_BYTES }, pace)
  return parts.filter((part) => !isEmptyUpdate(part))
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
  /** The encoding of the state that is being made, and whether updates count as since then. */
  #making: Steps<readonly Uint8Array[] | undefined> | undefined
  #isEncoded = false
  /** The updates since the kept state, as a message with a SyncStep2. */
  #last: Uint8Array | undefined
  #isUsed = false

  /** Notes an update that the document has integrated. */
  note(update: Uint8Array): void {
    if (!this.#isEncoded) return
    this.#last = undefined
    this.#sinceBytes += update.length
    const isTooMuch = this.#sinceBytes > Math.min(this.#stateBytes * SINCE_SHARE_MAX, WHOLE_BYTES_MAX)
    if ((this.#since.push(update) > SINCE_UPDATES_MAX || isTooMuch) && this.#state !== undefined) this.#discard()
  }

  /** Discards the state if nobody has asked for it since the last sweep. Called about once a second. */
  sweep(): void {
    if (!this.#isUsed) this.#discard()
    this.#isUsed = false
  }

  /**
   * The steps to the messages for a client that has nothing. A caller that asks while the state is being encoded goes on with the
   * same encoding. All callers have one pace.
   *
   * @param encode the steps to the whole state as of their last, one V1 update
   */
  *messages(encode: (pace: Pace) => Steps<Uint8Array>, pace: Pace): Steps<readonly Uint8Array[]> {
    for (;;) {
      this.#isUsed = true
      if (this.#state !== undefined) {
        const { length } = this.#since
        this.#last ??= encodeBinaryMessage(encodeSyncStep2(length === 0 ? EMPTY_UPDATE : mergeUpdates(this.#since)))
        return [...this.#state, this.#last]
      }
      this.#making ??= this.#make(encode, pace)
      const { done, value } = this.#making.next()
      if (done) this.#making = undefined
      if (value !== undefined) return value
      if (!done) yield
    }
  }

  /** Returns the messages for the caller alone if the state is small; undefined if it is kept. */
  *#make(encode: (pace: Pace) => Steps<Uint8Array>, pace: Pace): Steps<readonly Uint8Array[] | undefined> {
    const state = yield* encode(pace)
    if (state.length < SHARED_BYTES_MIN) return yield* encodingSyncAnswer([state], pace)
    this.#isEncoded = true
    this.#stateBytes = state.length
    this.#state = yield* encodingUpdates([state], pace)
    return undefined
  }

  #discard(): void {
    this.#state = undefined
    this.#making = undefined
    this.#isEncoded = false
    this.#last = undefined
    this.#since = []
    this.#sinceBytes = 0
  }
}
