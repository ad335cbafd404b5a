import { encodeJoinery, type Keyed, type KeyedResult } from '@joinery/protocol'
import { type WaitOptions, whenAborted } from './abort.ts'

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
  send(key: string, update: Uint8Array, { signal }: WaitOptions = {}): Promise<KeyedResult> {
    return new Promise((resolve, reject) => {
      const send: KeyedSend = { message: { type: 'keyed', key, update }, resolve, reject }
      this.#open.set(key, send)
      const stop =
        signal &&
        whenAborted(signal, (reason) => {
          this.#open.delete(key)
          reject(reason)
        })
      send.resolve = (result) => {
        stop?.()
        resolve(result)
      }
      send.reject = (reason) => {
        stop?.()
        reject(reason)
      }
      if (this.#isReady && this.#open.has(key)) this.#transmit(encodeJoinery(send.message))
    })
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
    const send = this.#open.get(result.key)
    this.#open.delete(result.key)
    send?.resolve(result)
  }

  /** None of them will be answered. */
  fail(error: unknown): void {
    const open = [...this.#open.values()]
    this.#open.clear()
    for (const { reject } of open) reject(error)
  }
}
