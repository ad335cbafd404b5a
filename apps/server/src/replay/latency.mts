/** Latencies of one kind, ms. */
export class Latencies {
  readonly #samples: number[] = []

  add(milliseconds: number): void {
    this.#samples.push(milliseconds)
  }

  get count(): number {
    return this.#samples.length
  }

  /** The smallest sample that `share` (0 to 1) of all samples do not exceed; undefined when there is none. */
  quantile(share: number): number | undefined {
    const sorted = this.#samples.toSorted((a, b) => a - b)
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  }
}
