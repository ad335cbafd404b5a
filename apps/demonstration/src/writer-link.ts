import type { Source } from '@joinery/blocks'
import type { StepInput, StepName, StepOutput } from './steps/all-steps.ts'

/** What a writer's process is told at its start, as its one argument in JSON. */
export interface WriterSettings {
  /** Address of the server without the workspace: `ws://127.0.0.1:1234`. */
  readonly url: string
  readonly workspace: string
  readonly source: Source
  readonly actor: string
  /** Where vectors are kept. */
  readonly vectorsDirectory: string
  /** Factor for every pause: 1 for people who watch, less for tests. */
  readonly pace: number
  /** When the process ends itself, ms since epoch, whatever it is doing. */
  readonly endsAtMs: number
}

/** To the writer: do one step. Steps may overlap. */
export interface Order<Name extends StepName = StepName> {
  readonly id: number
  readonly step: Name
  readonly input: StepInput<Name>
}

/** From the writer. */
export type Word =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly id: number; readonly output: StepOutput<StepName> }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  /** Something a person who watches may want to know. */
  | { readonly type: 'note'; readonly text: string }
  /** A point in a step that the scenario waits for. */
  | { readonly type: 'reached'; readonly point: string }
