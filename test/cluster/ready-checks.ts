/** Pause between two questions to a node, and the time that it has to answer, ms. */
const ASK_MS = 1_000

/** Asks nodes whether they take clients, as load balancers do. One that does not answer takes none. */
export class ReadyChecks {
  readonly #ready = new Set<number>()
  readonly #timers: readonly NodeJS.Timeout[]

  constructor(ports: readonly number[]) {
    for (const port of ports) this.#ready.add(port)
    this.#timers = ports.map((port) => setInterval(() => void this.#ask(port), ASK_MS))
  }

  isUp(port: number): boolean {
    return this.#ready.has(port)
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  async #ask(port: number): Promise<void> {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(ASK_MS) })
      if (answer.ok) this.#ready.add(port)
      else this.#ready.delete(port)
    } catch {
      this.#ready.delete(port)
    }
  }
}
