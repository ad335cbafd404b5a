/**
 * Long work that others' turns may interrupt: it goes on at each `next()`, and yields when its {@link Pace} says that the turn is
 * over. The work says what may change between two steps.
 */
export type Steps<T> = Generator<undefined, T, undefined>

/** Tells long work when to let others have their turns. */
export interface Pace {
  readonly isOver: boolean
}

/** The pace that `isOver` tells anew at each look. */
export function paceOf(isOver: () => boolean): Pace {
  return {
    get isOver() {
      return isOver()
    },
  }
}

/** The pace of work that is done in one turn. */
export const AT_ONCE: Pace = { isOver: false }

/** Does the steps in one turn, and returns their result. */
export function doAll<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** Elements of a list that are worked on between two looks at the clock. */
export const PER_LOOK = 128

/** Steps to a value that are made once: each caller goes on where the last one stopped. All callers have one pace. */
export class SharedSteps<T> {
  readonly #make: (pace: Pace) => Steps<T>
  #steps: Steps<T> | undefined
  #made: { readonly value: T } | undefined

  constructor(make: (pace: Pace) => Steps<T>) {
    this.#make = make
  }

  *steps(pace: Pace): Steps<T> {
    for (;;) {
      if (this.#made !== undefined) return this.#made.value
      this.#steps ??= this.#make(pace)
      const { done, value } = this.#steps.next()
      if (done) {
        this.#made = { value }
        this.#steps = undefined
      } else yield
    }
  }
}
