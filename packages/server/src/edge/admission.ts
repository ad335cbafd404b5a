import type { Duplex } from 'node:stream'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'

/**
 * The time of a socket between its upgrade and the answer. Bytes that come meanwhile are kept up to a bound: clients wait for
 * the answer, so an honest socket sends nothing.
 */
export class Admission {
  readonly #socket: Duplex
  readonly #limits: ServerLimits
  #chunks: Buffer[] = []
  #bytes = 0

  /** `head` has the bytes that came in one packet with the request. */
  constructor(socket: Duplex, head: Buffer, limits: ServerLimits) {
    this.#socket = socket
    this.#limits = limits
    socket.on('data', this.#keep)
    if (head.length > 0) this.#keep(head)
  }

  /** Whether the socket has kept to the bound. */
  get isQuiet(): boolean {
    return this.#bytes <= this.#limits.unadmittedBytesMax
  }

  /** Throws `too_large` for a socket that has sent more than may be kept of it. */
  assertQuiet(): void {
    if (this.isQuiet) return
    const { unadmittedBytesMax } = this.#limits
    const message = `more than ${unadmittedBytesMax} bytes came before the answer to the upgrade: wait for the answer`
    throw new ServerError('too_large', message)
  }

  /** Resolves as `work` does, which finds `wanted` out. Rejects with `load_failed` when that takes too long. */
  async within<T>(work: Promise<T>, wanted = 'who you are'): Promise<T> {
    const { admissionMs } = this.#limits
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const message = `${wanted} could not be found out within ${admissionMs} ms: connect again later`
      late.reject(new ServerError('load_failed', message))
    }, admissionMs)
    timer.unref()
    try {
      return await Promise.race([work, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends the admission. Returns what came meanwhile. */
  end(): Buffer {
    this.#socket.off('data', this.#keep)
    const bytes = Buffer.concat(this.#chunks)
    this.#chunks = []
    return bytes
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.isQuiet) {
      this.#chunks.push(chunk)
      return
    }
    // The socket is refused when its time comes, and is not read until then.
    this.#chunks = []
    this.#socket.pause()
  }
}
