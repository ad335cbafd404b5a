import type { Source } from '@joinery/blocks'
import type { WriterProcess } from '../writer-process.ts'

/** The demonstration as a scenario sees it. */
export interface Stage {
  /** Starts a writer; resolves when it is in sync. Rejects with `writer_failed` if the demonstration is over. */
  enter(actor: string, source: Source): Promise<WriterProcess>
  /** Tells a person what happened. */
  remark(text: string): void
  /** Adds a finding: a claim that a failure did not happen, and whether a check has confirmed it. */
  find(holds: boolean, text: string): void
  /** Id of the block to work on: the chosen one, else the one that `make` makes. */
  block(make: () => Promise<string>): Promise<string>
}

/** One scenario that writers play. */
export interface Scenario {
  /** Text of its button. */
  readonly title: string
  /** Description of the failure, as it happens without Joinery, in one sentence. */
  readonly danger: string
  /** Whether the person chooses the block. */
  readonly takesBlock: boolean
  play(stage: Stage): Promise<void>
}
