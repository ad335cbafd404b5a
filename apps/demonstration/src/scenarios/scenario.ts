import type { Source } from '@joinery/blocks'
import type { WriterProcess } from '../writer-process.ts'

/** Where a scenario is played. */
export interface Stage {
  /** Starts a writer; resolves when it is in the workspace. Throws `writer_failed` when the play is over. */
  enter(actor: string, source: Source): Promise<WriterProcess>
  /** Tells a person what happened. */
  remark(text: string): void
  /** States what did not go wrong, and whether that held when it was looked at. */
  find(holds: boolean, text: string): void
  /** The block to work on: the one that was asked for, else what `make` makes. */
  block(make: () => Promise<string>): Promise<string>
}

/** One thing to show, played by writers. */
export interface Scenario {
  /** On its button. */
  readonly title: string
  /** What goes wrong elsewhere, in a sentence. */
  readonly danger: string
  /** Whether it works on a block that the person chooses. */
  readonly takesBlock: boolean
  play(stage: Stage): Promise<void>
}
