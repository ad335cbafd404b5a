import type { NatsConnection } from '@nats-io/transport-node'
import type { EngineBus } from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { checkKey } from '../names.ts'
import { engineErrorOf } from './nats-errors.ts'

/** Messages between nodes by core NATS: at most once, on no disk. */
export class NatsBus implements EngineBus {
  readonly #link: NatsConnection

  constructor(link: NatsConnection) {
    this.#link = link
  }

  publish(topic: string, data: Uint8Array): void {
    checkKey(topic)
    if (!this.#link.isClosed()) this.#link.publish(topic, data)
  }

  subscribe(pattern: string, listener: (topic: string, data: Uint8Array) => void): () => void {
    const subscription = this.#link.subscribe(pattern, {
      callback: (error, { subject, data }) => {
        if (error === null) listener(subject, data)
      },
    })
    return () => subscription.unsubscribe()
  }

  async request(topic: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (this.#link.isClosed()) throw new EngineError('unavailable', 'the connection to NATS is closed')
    try {
      return (await this.#link.request(checkKey(topic), data, { timeout: timeoutMs })).data
    } catch (error) {
      throw engineErrorOf(error, topic)
    }
  }

  respond(topic: string, answer: (data: Uint8Array) => Promise<Uint8Array>): () => void {
    const subscription = this.#link.subscribe(checkKey(topic), {
      callback: (error, message) => {
        if (error !== null) return
        // The asking node hears nothing of a failure here, and finds out by the time that it waits.
        void answer(message.data)
          .then((data) => message.respond(data))
          .catch(() => undefined)
      },
    })
    return () => subscription.unsubscribe()
  }

  async settled(): Promise<void> {
    await this.#link.flush()
  }
}
