export type { FailureClass } from '@joinery/protocol'
export type { AttemptEnd } from './attempt.ts'
export type { CallAnswer, CallOptions, Calls } from './calls.ts'
export type { Resources, Results, RunContext, StepContext, UndoContext } from './contexts.ts'
export type { Draft } from './draft.ts'
export { failureOf } from './failure.ts'
export type { InputSchema } from './input-schema.ts'
export { WORKER_LIMITS } from './limits.ts'
export type { Progress, TellProgress } from './progress.ts'
export { defineSaga, digestOf, isSaga, type Saga } from './saga.ts'
export type { SagaDefinition } from './saga-definition.ts'
export {
  type EachOptions,
  each,
  type Step,
  StepError,
  type StepOptions,
  sleep,
  step,
  type WaitOptions,
  waitFor,
} from './step.ts'
export type { IndexJob, IndexJobContext, WithRun, WithRunOptions, WithRunOutcome } from './with-run.ts'
export { type RunningWorker, startWorker, type WorkerEvent, type WorkerOptions } from './worker.ts'
export { WorkerError, type WorkerErrorCode } from './worker-error.ts'
