import { ServerError } from './server-error.ts'

/** The token behind an identity, as a revocation needs it. */
interface IssuedToken {
  readonly isAuthenticated: boolean
  readonly actor: string
  readonly issuedAtMs?: number | undefined
}

/** Tokens of an actor that were issued before a time are refused. */
export interface Revocation {
  readonly actor: string
  /** Time of the oldest token that is still good, ms since epoch. */
  readonly sinceMs: number
}

/** Number of revocations, at most: about 10 MB. Operators make them, so the bound only stops a script that went wrong. */
const REVOCATIONS_MAX = 100_000

export interface RevocationsOptions {
  /** Revocations of earlier runs of the server. */
  readonly known?: readonly Revocation[]
  /** Keeps all revocations over a restart. Without it, they end with the process. */
  readonly save?: (all: readonly Revocation[]) => Promise<void>
  /** Tells the other servers of a revocation that was made here. */
  readonly share?: (revocation: Revocation) => Promise<void>
}

/** Tokens that an operator has taken back. One object is shared by everything that lets callers in. */
export class Revocations {
  readonly #sinceMs: Map<string, number>
  readonly #options: RevocationsOptions
  readonly #listeners = new Set<(revocation: Revocation) => number>()
  #saving: Promise<void> = Promise.resolve()

  constructor(options: RevocationsOptions = {}) {
    this.#sinceMs = new Map(options.known?.map(({ actor, sinceMs }) => [actor, sinceMs]))
    this.#options = options
  }

  /** Number of actors with a revocation. */
  get size(): number {
    return this.#sinceMs.size
  }

  /** Whether the token of an identity was taken back. In development mode there are no tokens. */
  isRevoked({ isAuthenticated, actor, issuedAtMs }: IssuedToken): boolean {
    if (!isAuthenticated) return false
    const sinceMs = this.#sinceMs.get(actor)
    // A token that does not say when it was issued may be older.
    return sinceMs !== undefined && (issuedAtMs === undefined || issuedAtMs < sinceMs)
  }

  /**
   * Refuses the tokens of an actor that were issued before `sinceMs`, and ends their connections. An earlier revocation with
   * a later time stands. Resolves with the number of connections ended here when the revocation is kept, and the other servers
   * have it. Rejects with `too_large`, or when it can't be kept or shared: the connections are ended all the same.
   */
  async revoke(actor: string, sinceMs: number): Promise<number> {
    const { ended, revocation } = await this.#take(actor, sinceMs)
    await this.#options.share?.(revocation)
    return ended
  }

  /** As {@link revoke}, for a revocation that another server has made. It is not shared again. */
  async learn({ actor, sinceMs }: Revocation): Promise<void> {
    if ((this.#sinceMs.get(actor) ?? Number.NEGATIVE_INFINITY) < sinceMs) await this.#take(actor, sinceMs)
  }

  async #take(actor: string, sinceMs: number): Promise<{ ended: number; revocation: Revocation }> {
    const known = this.#sinceMs.get(actor)
    if (known === undefined && this.#sinceMs.size >= REVOCATIONS_MAX) {
      const message = `${REVOCATIONS_MAX} actors have revoked tokens, which is the most: change the key instead`
      throw new ServerError('too_large', message)
    }
    const revocation = { actor, sinceMs: Math.max(known ?? sinceMs, sinceMs) }
    this.#sinceMs.set(actor, revocation.sinceMs)
    let ended = 0
    for (const listener of this.#listeners) ended += listener(revocation)
    // One write at a time: the last one has every revocation.
    const saved = this.#saving.then(() =>
      this.#options.save?.([...this].map(([name, since]) => ({ actor: name, sinceMs: since }))),
    )
    this.#saving = saved.catch(() => undefined)
    await saved
    return { ended, revocation }
  }

  /** Calls `listener` with each revocation. It returns the number of connections that it ended. Returns unsubscribe. */
  onRevoked(listener: (revocation: Revocation) => number): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  [Symbol.iterator](): IterableIterator<[string, number]> {
    return this.#sinceMs.entries()
  }
}
