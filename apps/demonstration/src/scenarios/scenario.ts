import type { Demonstration } from '../demonstration.ts'

/** One thing to show, played by writers. */
export interface Scenario {
  /** On its button. */
  readonly title: string
  /** What goes wrong elsewhere, in a sentence. */
  readonly danger: string
  /** Whether it works on a block that the person chooses. */
  readonly takesBlock: boolean
  play(demonstration: Demonstration): Promise<void>
}
