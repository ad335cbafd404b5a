export type { DamagedJournal } from './book-shelf.ts'
export {
  type Commit,
  type CommitOutcome,
  DocumentError,
  type DocumentRecord,
  type Documents,
  type OwnWrites,
  type RefusedRequest,
} from './documents.ts'
export type { WorkNews } from './heard-offers.ts'
export { noteOfRepair, tryJournal } from './journal-trial.ts'
export { isWorkToken, workspaceHashOfToken, workspaceOfTask } from './names.ts'
export { type Reach, SharedWork, type WorkPlace } from './shared-work.ts'
export type { Kept, StepState, StepView, TaskState, TaskView, WaitCode, Waiting } from './task.ts'
export { type Labeled, SECONDS_BOUNDS, type Seconds, type TaskCounts, type TaskGauges } from './task-counts.ts'
export { openTasks, type TaskEngine } from './task-engine.ts'
export { TaskError, type TaskErrorCode } from './task-error.ts'
export { TASK_LIMITS_DEFAULT, type TaskLimits } from './task-limits.ts'
export type { OpenTask, Started, StartRequest, TaskEvent, TaskList, Tasks } from './tasks.ts'
export type { TaskLogger, TasksOptions } from './tasks-options.ts'
