import type { Source } from '@joinery/blocks'
import type { EmbeddingsConfig } from '@joinery/resources'
import type { StepInput, StepName, StepOutput } from './steps/all-steps.ts'

/** Settings of a writer's process: its one argument, in JSON. */
export interface WriterSettings {
  /** URL of the server without the workspace: `ws://127.0.0.1:1234`. */
  readonly url: string
  readonly workspace: string
  readonly source: Source
  readonly actor: string
  /** Directory of the vectors. */
  readonly vectorsDirectory: string
  /** The embedding service; absent for hashed n-grams. Its secret is in the environment. */
  readonly embedding?: EmbeddingsConfig | undefined
  /** Factor for every pause: 1 when people watch, less in tests. */
  readonly pace: number
  /** Time at which the process ends itself, ms since epoch, whatever it is doing. */
  readonly endsAtMs: number
}

/** Message to the writer: do one step. Steps may overlap. */
export interface Order<Name extends StepName = StepName> {
  readonly id: number
  readonly step: Name
  readonly input: StepInput<Name>
}

/** Message from the writer. */
export type Word =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly id: number; readonly output: StepOutput<StepName> }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  /** Remark for the person who watches. */
  | { readonly type: 'note'; readonly text: string }
  /** The step has reached a point that a scenario may wait for. */
  | { readonly type: 'reached'; readonly point: string }
