import { encodeJoinery, type Keyed, type KeyedResult } from '@joinery/protocol'
import { orAborted, type WaitOptions } from './abort.ts'
import { deferred } from './deferred.ts'

interface KeyedSend {
  readonly message: Keyed
  resolve(result: KeyedResult): void
  reject(reason: unknown): void
}

/**
 * Keyed updates that the server has not answered. Each connection sends them again, once it has brought what they build
 * on: the key sees to it that they count once.
 */
export class KeyedSends {
  readonly #transmit: (frame: Uint8Array) => void
  readonly #open = new Map<string, KeyedSend>()
  #isReady = false

  constructor(transmit: (frame: Uint8Array) => void) {
    this.#transmit = transmit
  }

  /** Those that wait for an answer. */
  get size(): number {
    return this.#open.size
  }

  /** Resolves with the server's answer. One of a key at a time. */
  async send(key: string, update: Uint8Array, { signal }: WaitOptions = {}): Promise<KeyedResult> {
    signal?.throwIfAborted()
    const { promise, ...settle } = deferred<KeyedResult>()
    const send: KeyedSend = { message: { type: 'keyed', key, update }, ...settle }
    this.#open.set(key, send)
    if (this.#isReady) this.#transmit(encodeJoinery(send.message))
    try {
      return await orAborted(promise, signal)
    } finally {
      this.#open.delete(key)
    }
  }

  /** This connection has sent everything that they may build on. */
  ready(): void {
    this.#isReady = true
    for (const { message } of this.#open.values()) this.#transmit(encodeJoinery(message))
  }

  disconnected(): void {
    this.#isReady = false
  }

  /** Takes an answer; one that nobody waits for any more says nothing. */
  settle(result: KeyedResult): void {
    this.#open.get(result.key)?.resolve(result)
  }

  /** None of them will be answered. */
  fail(error: unknown): void {
    for (const { reject } of this.#open.values()) reject(error)
  }
}
