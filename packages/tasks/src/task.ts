export type { Kept, StepState, StepView, TaskState, TaskView, WaitCode, Waiting } from '@joinery/protocol'
