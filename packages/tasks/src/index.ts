export { type Commit, type CommitOutcome, DocumentError, type DocumentRecord, type Documents } from './documents.ts'
export type { Kept, StepState, StepView, TaskState, TaskView, WaitCode, Waiting } from './task.ts'
export { TaskError, type TaskErrorCode } from './task-error.ts'
export type { Started, StartRequest, TaskEvent, TaskList, Tasks } from './tasks.ts'
