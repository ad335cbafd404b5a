/** Somebody who waits for a lease. */
export interface LeaseWaiter {
  readonly actor: string
  /** Idempotency key of the request: who asks again with it gets its place back. */
  readonly key: string | undefined
  /** Gives the waiter the lease. Called at most once, and only while it waits. */
  serve(): void
  /** Ends the wait with an error. As {@link serve}. */
  fail(error: unknown): void
}

/** A place in the queue. A waiter that stopped waiting is away, and may come back to its place for a moment. */
interface Place {
  readonly name: string
  waiter: LeaseWaiter
  awayUntilMs: number | undefined
}

/** How long the place of a waiter is kept that has to ask again, ms: some round trips. */
const AWAY_MS = 5_000

/** The waiters of one workspace's leases, each name in order of asking. */
export class LeaseQueue {
  readonly #places = new Map<string, Place[]>()
  #size = 0

  /** Number of places, those included whose waiters are away. */
  get size(): number {
    return this.#size
  }

  /** Places of an actor. */
  sizeOf(actor: string): number {
    let size = 0
    for (const places of this.#places.values()) for (const { waiter } of places) if (waiter.actor === actor) size++
    return size
  }

  /** Number of those who wait for a name now. */
  waitingFor(name: string): number {
    return this.#places.get(name)?.filter(({ awayUntilMs }) => awayUntilMs === undefined).length ?? 0
  }

  /** Puts a waiter into its old place, or at the end. Returns the function with which it stops waiting. */
  add(name: string, waiter: LeaseWaiter): (nowMs: number) => void {
    const places = this.#places.get(name) ?? []
    this.#places.set(name, places)
    const old = places.find((place) => isPlaceOf(place, waiter))
    const place: Place = old ?? { name, waiter, awayUntilMs: undefined }
    place.waiter = waiter
    place.awayUntilMs = undefined
    if (old === undefined) {
      places.push(place)
      this.#size++
    }
    return (nowMs) => {
      if (place.waiter !== waiter) return
      if (waiter.key === undefined) this.#remove(place)
      else place.awayUntilMs = nowMs + AWAY_MS
    }
  }

  /** Takes the first that waits for a name out of the queue; undefined when nobody waits. */
  take(name: string): LeaseWaiter | undefined {
    const place = this.#places.get(name)?.find(({ awayUntilMs }) => awayUntilMs === undefined)
    if (place === undefined) return undefined
    this.#remove(place)
    return place.waiter
  }

  /** Forgets the places whose waiters have not come back. */
  sweep(nowMs: number): void {
    for (const places of this.#places.values()) {
      for (const place of [...places]) {
        if (place.awayUntilMs !== undefined && place.awayUntilMs <= nowMs) this.#remove(place)
      }
    }
  }

  /** Ends all waits with `error`. */
  fail(error: unknown): void {
    const all = [...this.#places.values()].flat()
    this.#places.clear()
    this.#size = 0
    for (const { waiter, awayUntilMs } of all) if (awayUntilMs === undefined) waiter.fail(error)
  }

  #remove(place: Place): void {
    const places = this.#places.get(place.name)
    const index = places?.indexOf(place) ?? -1
    if (places === undefined || index < 0) return
    places.splice(index, 1)
    this.#size--
    if (places.length === 0) this.#places.delete(place.name)
  }
}

/** True for the place of somebody who is away and asks again. */
function isPlaceOf({ waiter, awayUntilMs }: Place, { actor, key }: LeaseWaiter): boolean {
  return awayUntilMs !== undefined && key !== undefined && waiter.key === key && waiter.actor === actor
}
