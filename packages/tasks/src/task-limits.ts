const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Bounds on tasks. SPEC.md gives each its reason. */
export interface TaskLimits {
  /** Open tasks of the whole server. */
  readonly tasksOpenMax: number
  /** Open tasks of one workspace. */
  readonly tasksOpenPerWorkspaceMax: number
  readonly inputBytesMax: number
  readonly resultBytesMax: number
  /** Bytes of a task's input, items, results and signals together. */
  readonly taskBytesMax: number
  readonly stepsMax: number
  readonly itemsMax: number
  /** Sagas that the server knows, their versions counted one by one. */
  readonly sagasMax: number
  /** A lease ends when its worker was not heard of for this long. */
  readonly leaseMs: number
  /** Longest wait of a worker for work. */
  readonly waitMsMax: number
  /** Attempts that a step may ask for. */
  readonly attemptsMax: number
  /** Longest pause between two attempts of a step. */
  readonly delayMsMax: number
  /** Longest pause that the outside may ask for by `Retry-After`. */
  readonly retryAfterMsMax: number
  /** Time for which taking back is tried. */
  readonly undoForMs: number
  readonly cancelGraceMs: number
  /** Leases at once: of one workspace, worker, saga and host. */
  readonly perWorkspace: number
  readonly perWorker: number
  readonly perDefinition: number
  readonly perHost: number
  /** Signals that a task keeps until a step waits for them. */
  readonly signalsMax: number
  /** A task that waits for somebody is shown as stalled after this time. */
  readonly stalledAfterMs: number
  /** Progress is shown at most this often. */
  readonly progressMs: number
  /** Days for which a task stays readable after its end. */
  readonly keepTasksDays: number
  /** Pauses, sleeps and deadlines that were over at a start are let go at most so often a second, for each host. */
  readonly catchUpPerSecond: number
  /** Failures of one host in a row after which its breaker opens, and the time until one attempt tries it again. */
  readonly breakerFailures: number
  readonly breakerMs: number
}

export const TASK_LIMITS_DEFAULT: TaskLimits = {
  tasksOpenMax: 100_000,
  tasksOpenPerWorkspaceMax: 10_000,
  inputBytesMax: 256 * 1024,
  resultBytesMax: 64 * 1024,
  taskBytesMax: 4 * 1024 * 1024,
  stepsMax: 100,
  itemsMax: 10_000,
  sagasMax: 1_000,
  leaseMs: 30_000,
  waitMsMax: 25_000,
  attemptsMax: 100,
  delayMsMax: 15 * MINUTE_MS,
  retryAfterMsMax: 24 * HOUR_MS,
  undoForMs: 24 * HOUR_MS,
  cancelGraceMs: 30_000,
  perWorkspace: 32,
  perWorker: 16,
  perDefinition: 64,
  perHost: 8,
  signalsMax: 100,
  stalledAfterMs: MINUTE_MS,
  progressMs: 5_000,
  keepTasksDays: 30,
  catchUpPerSecond: 50,
  breakerFailures: 5,
  breakerMs: 30_000,
}
