import type { SteadyClock } from '@joinery/log'

/** Timers that fire before other work has a turn. */
const FIRED_AT_ONCE_MAX = 100

interface Timer {
  readonly atMs: number
  readonly key: string
  readonly fire: () => void
}

/**
 * Timers by key, on the monotonic clock: a wall clock that is set delays none and hastens none. One timer of the process stands
 * for all.
 */
export class Timers {
  readonly #clock: SteadyClock
  readonly #onError: (error: unknown) => void
  readonly #byKey = new Map<string, Timer>()
  /** A binary heap by time. Timers that were cleared or set anew stay until their turn. */
  readonly #heap: Timer[] = []
  #cancel: (() => void) | undefined
  #armedMs = Infinity

  constructor(clock: SteadyClock, onError: (error: unknown) => void) {
    this.#clock = clock
    this.#onError = onError
  }

  get size(): number {
    return this.#byKey.size
  }

  /** Time by which the timer that is due first is late, ms. */
  get lagMs(): number {
    const first = this.#first()
    return first === undefined ? 0 : Math.max(0, this.#clock.monotonicMs() - first.atMs)
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  /** Time until the timer fires, ms; undefined if it is not set. */
  remainingMs(key: string): number | undefined {
    const timer = this.#byKey.get(key)
    return timer === undefined ? undefined : Math.max(0, timer.atMs - this.#clock.monotonicMs())
  }

  /** Calls `fire` once, `delayMs` from now and never before. It takes the place of an earlier timer of this key. */
  set(key: string, delayMs: number, fire: () => void): void {
    const timer = { atMs: this.#clock.monotonicMs() + Math.max(0, delayMs), key, fire }
    this.#byKey.set(key, timer)
    this.#push(timer)
    // Leases are renewed over and over: the old timers must not pile up.
    if (this.#heap.length > 64 + 4 * this.#byKey.size) this.#rebuild()
    this.#arm()
  }

  clear(key: string): void {
    this.#byKey.delete(key)
  }

  /** Forgets all timers whose key begins so. */
  clearAll(prefix = ''): void {
    for (const key of [...this.#byKey.keys()]) if (key.startsWith(prefix)) this.#byKey.delete(key)
    if (prefix !== '') return
    this.#heap.length = 0
    this.#cancel?.()
    this.#armedMs = Infinity
  }

  #fireDue(): void {
    this.#armedMs = Infinity
    const nowMs = this.#clock.monotonicMs()
    let fired = 0
    for (let first = this.#first(); first !== undefined && first.atMs <= nowMs; first = this.#first()) {
      if (fired++ >= FIRED_AT_ONCE_MAX) break
      this.#pop()
      this.#byKey.delete(first.key)
      try {
        first.fire()
      } catch (error) {
        this.#onError(error)
      }
    }
    this.#arm()
  }

  #arm(): void {
    const first = this.#first()
    if (first === undefined || first.atMs >= this.#armedMs) return
    this.#cancel?.()
    this.#armedMs = first.atMs
    const delayMs = Math.max(1, Math.ceil(first.atMs - this.#clock.monotonicMs()))
    // A longer delay is more than setTimeout takes: the timer is armed anew then.
    this.#cancel = this.#clock.after(Math.min(delayMs, 2 ** 31 - 1), () => this.#fireDue())
  }

  /** The timer that is due first. */
  #first(): Timer | undefined {
    for (;;) {
      const [first] = this.#heap
      if (first === undefined || this.#byKey.get(first.key) === first) return first
      this.#pop()
    }
  }

  #rebuild(): void {
    const live = [...this.#byKey.values()].sort((a, b) => a.atMs - b.atMs)
    this.#heap.splice(0, this.#heap.length, ...live)
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let n = heap.push(timer) - 1
    while (n > 0) {
      const parent = (n - 1) >> 1
      const other = heap[parent]
      if (other === undefined || other.atMs <= timer.atMs) break
      heap[n] = other
      n = parent
    }
    heap[n] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let n = 0
    for (;;) {
      const left = 2 * n + 1
      const a = heap[left]
      const b = heap[left + 1]
      const child = a !== undefined && b !== undefined && b.atMs < a.atMs ? b : a
      if (child === undefined || child.atMs >= last.atMs) break
      heap[n] = child
      n = child === a ? left : left + 1
    }
    heap[n] = last
  }
}
