import type { Ownership } from '@joinery/server'

/** Ownership of one process that owns whatever it claims, until a test takes it away. */
export class LosableOwnership implements Ownership {
  readonly #holds = new Map<string, AbortController>()
  #token = 0

  async claim(workspace: string) {
    const lost = this.#holds.get(workspace) ?? new AbortController()
    this.#holds.set(workspace, lost)
    return { held: { token: ++this.#token, lost: lost.signal, release: async () => undefined } }
  }

  /** Takes the workspace away. The next claim gets it again. */
  lose(workspace: string): void {
    this.#holds.get(workspace)?.abort()
    this.#holds.delete(workspace)
  }
}
