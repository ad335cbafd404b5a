import { createAddingSteps } from './adding.ts'
import { createIndexingSteps } from './indexing.ts'
import { createInstantiationSteps } from './instantiation.ts'
import { createPollingSteps } from './polling.ts'
import { createRewritingSteps } from './rewriting.ts'
import type { StepContext } from './step-context.ts'
import { createTemplateTaskSteps } from './template-task.ts'
import { createWitnessSteps } from './witness.ts'

/** All steps that a writer can be told to do, by name. */
export function createSteps(context: StepContext) {
  return {
    ...createInstantiationSteps(context),
    ...createRewritingSteps(context),
    ...createIndexingSteps(context),
    ...createPollingSteps(context),
    ...createAddingSteps(context),
    ...createTemplateTaskSteps(context),
    ...createWitnessSteps(context),
  }
}

type Steps = ReturnType<typeof createSteps>
export type StepName = keyof Steps
export type StepInput<Name extends StepName> = Parameters<Steps[Name]>[0]
export type StepOutput<Name extends StepName> = Awaited<ReturnType<Steps[Name]>>
