/** A value that changes over time, in the shape that React's `useSyncExternalStore` takes. */
export interface Observable<T> {
  /** Returns the value: the same object until something in it changes. Bound: can be passed as a function. */
  readonly get: () => T
  /** Calls `listener` after each change until the returned function is called. Bound: can be passed as a function. */
  readonly subscribe: (listener: () => void) => () => void
}

/** The writable side of an {@link Observable}. */
export class ObservableValue<T> implements Observable<T> {
  #value: T
  readonly #isEqual: (a: T, b: T) => boolean
  readonly #listeners = new ListenerSet<void>()

  constructor(value: T, isEqual: (a: T, b: T) => boolean = Object.is) {
    this.#value = value
    this.#isEqual = isEqual
  }

  readonly get = (): T => this.#value
  readonly subscribe = (listener: () => void): (() => void) => this.#listeners.add(listener)

  /** Sets `value` and calls the listeners. If it equals the present value, the old object stays and nobody is called. */
  set(value: T): void {
    if (this.#isEqual(this.#value, value)) return
    this.#value = value
    this.#listeners.tell()
  }
}

/** The listeners of one kind of event. */
export class ListenerSet<E> {
  // Wrapped: a function that was added twice is two listeners, and each unsubscribe removes only its own.
  readonly #listeners = new Set<{ call: (event: E) => void }>()

  /** Returns the function that removes `listener` again. */
  add(listener: (event: E) => void): () => void {
    const entry = { call: listener }
    this.#listeners.add(entry)
    return () => {
      this.#listeners.delete(entry)
    }
  }

  tell(event: E): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener.call(event)
      } catch (error) {
        // An error of a listener must stop neither the sync nor other listeners, and must not be swallowed.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

/** Equality of flat records: same keys, each value `Object.is`. */
export function isShallowEqual(a: object, b: object): boolean {
  const left = Object.entries(a)
  const right = new Map(Object.entries(b))
  return left.length === right.size && left.every(([key, value]) => right.has(key) && Object.is(right.get(key), value))
}
