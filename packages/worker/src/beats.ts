import { extname } from 'node:path/posix'
import { Worker } from 'node:worker_threads'
import type { Beat } from '@joinery/protocol'
import type { BeatThreadData, FromBeatThread, ToBeatThread } from './beat-messages.ts'
import type { ServerLink } from './server-link.ts'

/** Beside this file, in the sources as well as in what is built of them. */
const PROGRAM = new URL(`./beat-thread${extname(import.meta.url)}`, import.meta.url)
/** Time between two signs of the event loop, ms. */
const TURN_MS = 250

/** The answer to a beat that ends an attempt. */
export type Heard = 'cancel' | 'lease_lost'

/**
 * Signs of life of the attempts of one worker, sent by a thread of its own: a step that computes for a minute is alive. Frees the
 * thread by {@link close}.
 */
export class Beats {
  readonly #thread: Worker
  readonly #listeners = new Map<string, (heard: Heard) => void>()
  readonly #turning: NodeJS.Timeout
  readonly #link: ServerLink
  #isAsking = false
  #isClosed = false

  private constructor(link: ServerLink, data: BeatThreadData, onFailed: (error: Error) => void) {
    this.#link = link
    this.#thread = new Worker(PROGRAM, { name: 'joinery beats', workerData: data, env: {}, execArgv: [] })
    this.#thread.unref()
    this.#thread.on('message', (message: FromBeatThread) => this.#hear(message))
    this.#thread.on('error', onFailed)
    this.#thread.on('exit', (code) => {
      if (!this.#isClosed) onFailed(new Error(`the thread that sends beats has ended with ${code}`))
    })
    const turns = new Int32Array(data.turns)
    this.#turning = setInterval(() => Atomics.add(turns, 0, 1), TURN_MS).unref()
  }

  /** @param onFailed called if the thread ends by itself, which only a fault of this package can cause */
  static async open(link: ServerLink, loopStallMs: number, onFailed: (error: Error) => void): Promise<Beats> {
    const turns = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    // The first token function may need the server, too: a worker that gets none tries again with its first poll.
    const token = await link.token().catch(() => undefined)
    return new Beats(link, { url: link.url, token, turns, loopStallMs }, onFailed)
  }

  /** Keeps the lease alive until {@link forget}. `onHeard` is called when the server wants the attempt to end. */
  watch(lease: string, leaseMs: number, onHeard: (heard: Heard) => void): void {
    this.#listeners.set(lease, onHeard)
    this.#send({ type: 'watch', lease, leaseMs })
  }

  tell(lease: string, beat: Beat): void {
    if (this.#listeners.has(lease)) this.#send({ type: 'tell', lease, beat })
  }

  forget(lease: string): void {
    this.#listeners.delete(lease)
    this.#send({ type: 'forget', lease })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#turning)
    await this.#thread.terminate()
  }

  #send(message: ToBeatThread): void {
    this.#thread.postMessage(message)
  }

  #hear(message: FromBeatThread): void {
    if (message.type === 'heard') this.#listeners.get(message.lease)?.(message.what)
    else void this.#renewToken()
  }

  async #renewToken(): Promise<void> {
    if (this.#isAsking || !this.#link.dropToken()) return
    this.#isAsking = true
    try {
      this.#send({ type: 'token', token: await this.#link.token() })
    } catch {
      // The next beat is refused, too, and asks again.
    } finally {
      this.#isAsking = false
    }
  }
}
