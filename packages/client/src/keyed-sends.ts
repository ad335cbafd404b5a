import { encodeJoinery, type Keyed, type KeyedResult } from '@joinery/protocol'
import { orAborted, throwIfAborted, type WaitOptions } from './abort.ts'
import { deferred } from './deferred.ts'

export interface KeyedSendOptions extends WaitOptions {
  /** Token of the lease under which the update is sent. */
  readonly lease?: string | undefined
}

interface KeyedSend {
  readonly message: Keyed
  resolve(result: KeyedResult): void
  reject(reason: unknown): void
}

/**
 * Keyed updates that the server has not answered. Each new connection sends them again, after the edits that they build on. The
 * key makes sure that they count once.
 */
export class KeyedSends {
  readonly #transmit: (frame: Uint8Array) => void
  readonly #open = new Map<string, KeyedSend>()
  #isReady = false

  constructor(transmit: (frame: Uint8Array) => void) {
    this.#transmit = transmit
  }

  /** Number of updates that wait for an answer. */
  get size(): number {
    return this.#open.size
  }

  /** Sends `update` and resolves with the server's answer. At most one call for a key at a time. */
  async send(key: string, update: Uint8Array, { signal, lease }: KeyedSendOptions = {}): Promise<KeyedResult> {
    throwIfAborted(signal)
    const { promise, ...settle } = deferred<KeyedResult>()
    const send: KeyedSend = { message: { type: 'keyed', key, update, lease }, ...settle }
    this.#open.set(key, send)
    if (this.#isReady) this.#transmit(encodeJoinery(send.message))
    try {
      return await orAborted(promise, signal)
    } finally {
      this.#open.delete(key)
    }
  }

  /** Sends what waits: this connection has sent everything that keyed updates may build on. */
  ready(): void {
    this.#isReady = true
    for (const { message } of this.#open.values()) this.#transmit(encodeJoinery(message))
  }

  disconnected(): void {
    this.#isReady = false
  }

  /** Takes an answer of the server. An answer that no caller waits for is ignored. */
  settle(result: KeyedResult): void {
    this.#open.get(result.key)?.resolve(result)
  }

  /** Rejects all that wait with `error`. */
  fail(error: unknown): void {
    for (const { reject } of this.#open.values()) reject(error)
  }
}
