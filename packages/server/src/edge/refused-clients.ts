/** Clients that are remembered, at most: a few hundred KB. */
const CLIENTS_MAX = 4_096

interface Bounds {
  /** Refusals in a row after which a client may still reconnect at once. */
  readonly refusalsMax: number
  /** Time in which a client gets back one of these, ms. */
  readonly refusalMs: number
  /** Longest wait, ms. */
  readonly delayMaxMs: number
}

interface Refused {
  /** Refusals that are not made up for by time. */
  readonly count: number
  readonly atMs: number
}

/**
 * Clients whose updates were refused. Stock clients reconnect at once, up to eight times a second, and send their whole
 * document each time: they reset their back-off when a socket opens. So after some refusals their next upgrade waits for its
 * answer. Times are those of a monotonic clock, ms.
 */
export class RefusedClients {
  readonly #bounds: Bounds
  /** In order of the last refusal. */
  readonly #clients = new Map<string, Refused>()

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  /** Notes a refusal. `client` is all that tells one stock client from another: address, workspace and actor. */
  note(client: string, nowMs: number): void {
    const count = this.#countOf(client, nowMs) + 1
    this.#clients.delete(client)
    this.#clients.set(client, { count, atMs: nowMs })
    if (this.#clients.size <= CLIENTS_MAX) return
    for (const oldest of this.#clients.keys()) {
      this.#clients.delete(oldest)
      return
    }
  }

  /** How long the client's upgrade waits, ms; 0 for a client that was refused seldom. */
  delayMs(client: string, nowMs: number): number {
    const { refusalsMax, refusalMs, delayMaxMs } = this.#bounds
    const beyond = this.#countOf(client, nowMs) - refusalsMax
    return Math.min(delayMaxMs, Math.max(0, beyond * refusalMs))
  }

  #countOf(client: string, nowMs: number): number {
    const refused = this.#clients.get(client)
    return refused === undefined ? 0 : Math.max(0, refused.count - (nowMs - refused.atMs) / this.#bounds.refusalMs)
  }
}
