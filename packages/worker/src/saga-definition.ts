import type { TaskSubject } from '@joinery/protocol'
import type { InputSchema } from './input-schema.ts'
import type { Step } from './step.ts'

/** The definition of a saga. */
export interface SagaDefinition<Input> {
  readonly name: string
  /** A whole number from 1. Another order or other names of steps need another version. */
  readonly version: number
  /** Any Standard Schema, zod's for one; any JSON is taken without it. */
  readonly input?: InputSchema<Input>
  /** Time from the start to the end; then the task is taken back, or needs attention after its pivot. */
  readonly deadlineMs?: number
  /** Names the block whose status `task@1` shows the task. */
  readonly subject?: (input: Input) => TaskSubject
  readonly steps: readonly Step[]
  /** Older versions whose tasks this definition takes, too. */
  readonly accepts?: readonly number[]
}
