import type { EngineFaults } from '../engine/memory/memory-engine.ts'
import type { Random } from './random.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Calls that are late, lost or doubled, replicas that lag, and nodes that are cut off. */
export class RandomFaults implements EngineFaults {
  readonly ignoresExpectations: boolean
  readonly #random: Random
  readonly #cut = new Set<string>()
  #isHealed = false

  constructor(random: Random, ignoresExpectations: boolean) {
    this.#random = random
    this.ignoresExpectations = ignoresExpectations
  }

  callMs(node: string): number | undefined {
    return this.#wayMs(node)
  }

  answerMs(node: string): number | undefined {
    return this.#wayMs(node)
  }

  isRepeated(): boolean {
    return !this.#isHealed && this.#random.chance(0.05)
  }

  lag(): number {
    return !this.#isHealed && this.#random.chance(0.3) ? this.#random.upTo(3) : 0
  }

  /** Cuts nodes off the engine for a time: all of them, as an engine without a leader does. */
  cut(nodes: readonly string[], ms: number, time: VirtualTime): void {
    for (const node of nodes) this.#cut.add(node)
    time.clock.after(ms, () => {
      for (const node of nodes) this.#cut.delete(node)
    })
  }

  heal(): void {
    this.#isHealed = true
    this.#cut.clear()
  }

  #wayMs(node: string): number | undefined {
    if (this.#isHealed) return 0
    if (this.#cut.has(node) || this.#random.chance(0.03)) return undefined
    return this.#random.chance(0.1) ? this.#random.upTo(1_500) : this.#random.upTo(30)
  }
}
