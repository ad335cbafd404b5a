import type { SteadyClock } from '@joinery/log'
import { EngineError } from '../engine-error.ts'
import { checkKey, matchesTopic } from '../names.ts'

type Listener = (topic: string, data: Uint8Array) => void
type Answer = (data: Uint8Array) => Promise<Uint8Array>

/** The bus of an engine in memory. */
export class MemoryBus {
  readonly #clock: SteadyClock
  readonly #listeners = new Map<Listener, string>()
  readonly #answers = new Map<string, Answer>()

  constructor(clock: SteadyClock) {
    this.#clock = clock
  }

  publish(topic: string, data: Uint8Array): void {
    checkKey(topic)
    for (const [listener, pattern] of [...this.#listeners]) {
      if (matchesTopic(pattern, topic)) listener(topic, data.slice())
    }
  }

  subscribe(pattern: string, listener: Listener): () => void {
    const own: Listener = (topic, data) => listener(topic, data)
    this.#listeners.set(own, pattern)
    return () => void this.#listeners.delete(own)
  }

  request(topic: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const answer = this.#answers.get(checkKey(topic))
    if (answer === undefined) return Promise.reject(new EngineError('no_responders', `nobody answers ${topic}`))
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () =>
        reject(new EngineError('unavailable', `${topic} was not answered within ${timeoutMs} ms`)),
      )
      answer(data.slice()).finally(cancel).then(resolve, reject)
    })
  }

  respond(topic: string, answer: Answer): () => void {
    this.#answers.set(checkKey(topic), answer)
    return () => {
      if (this.#answers.get(topic) === answer) this.#answers.delete(topic)
    }
  }
}
