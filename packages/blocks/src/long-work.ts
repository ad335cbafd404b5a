/**
 * Work that grows with a document, in steps of some microseconds. The caller lets others have their turns between two
 * steps. The document must not change meanwhile, unless the work says otherwise.
 */
export type LongWork<T> = Generator<undefined, T, undefined>

/** Does all steps now, and returns the result. */
export function doAtOnce<T>(work: LongWork<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}
