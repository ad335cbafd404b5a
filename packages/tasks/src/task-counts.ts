import type { TaskState, WaitCode } from './task.ts'
import type { TaskBook } from './task-book.ts'
import type { TaskEnd, TaskEventBody, UnsureWhy } from './task-event.ts'
import type { TaskRecord } from './task-state.ts'

/** Upper bounds of the classes of times, seconds: from a quick step to a long task. */
export const SECONDS_BOUNDS = [0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 3_600, 21_600, 86_400] as const

/** Times that were measured: `counts[n]` of them were at most `SECONDS_BOUNDS[n]` (and above the bound before). */
export interface Seconds {
  readonly counts: readonly number[]
  readonly sum: number
  readonly count: number
}

/** One count with its labels. */
export interface Labeled {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The numbers of a server's tasks since it was started, for its metrics. Labels never name a workspace. */
export interface TaskCounts {
  /** Sagas of tasks that were started: label `definition`. */
  readonly started: readonly Labeled[]
  /** Labels `definition`, `state`. */
  readonly ended: readonly Labeled[]
  /** Attempts of runs that ended: labels `definition`, `step`, `outcome` (`done`, `failed`, `unsure`). */
  readonly steps: readonly Labeled[]
  /** Attempts that are made again: label `class`. */
  readonly retries: readonly Labeled[]
  /** Label `why`. */
  readonly leasesLost: readonly Labeled[]
  /** Label `outcome` (`done`, `kept`, `failed`). */
  readonly compensations: readonly Labeled[]
  /** Blocks that were not taken back, since somebody else had changed them. */
  readonly undoKept: number
  /** Messages of workers whose lease did not stand. */
  readonly fencedWrites: number
  readonly taskSeconds: Seconds
  readonly stepSeconds: Seconds
}

/** The state of a server's tasks now, for its metrics. */
export interface TaskGauges {
  /** Open tasks, and those that ended and are kept: labels `definition`, `state`. */
  readonly tasks: readonly Labeled[]
  /** Tasks that wait: label `why`. */
  readonly waiting: readonly (Labeled & {
    readonly labels: { readonly why: WaitCode }
    readonly oldestSeconds: number
  })[]
  readonly leases: number
  readonly timers: number
  /** Journals that can't be read. */
  readonly damagedJournals: number
  /** Time by which the most late timer is late. */
  readonly timerLagSeconds: number
  /** Label `host`: 0 closed, 1 half open, 2 open. */
  readonly breakers: readonly Labeled[]
}

/** One status of a task, for counting. */
interface CountedStatus {
  readonly saga: string
  readonly state: TaskState
  readonly why: WaitCode | undefined
  readonly waitingSeconds: number
}

/** Counts the events of tasks. */
export class TaskCounters {
  readonly #counts = new Map<string, Map<string, Labeled>>()
  #undoKept = 0
  #fencedWrites = 0
  readonly #task = new Histogram()
  readonly #step = new Histogram()

  observe(event: TaskEventBody, task: TaskRecord, atMs: number, leasedAtMs: number | undefined): void {
    const definition = task.saga.name
    if (event.type === 'started') this.#add('started', { definition })
    if (event.type === 'ended') {
      this.#add('ended', { definition, state: event.state satisfies TaskEnd })
      this.#task.add((atMs - task.startedAt) / 1_000)
    }
    if (event.type !== 'done' && event.type !== 'failed' && event.type !== 'unsure') return
    if (event.kind === 'run' && leasedAtMs !== undefined) {
      this.#add('steps', { definition, step: event.step ?? '', outcome: event.type })
      this.#step.add((atMs - leasedAtMs) / 1_000)
    }
    if (event.type === 'unsure') this.#add('leasesLost', { why: event.why satisfies UnsureWhy })
    if (event.type !== 'done' && event.verdict === 'retry') {
      this.#add('retries', { class: event.type === 'failed' ? event.error.class : 'unsure' })
    }
    if (event.kind !== 'undo') return
    const kept = event.type === 'done' ? (event.kept?.length ?? 0) : 0
    this.#undoKept += kept
    if (event.type === 'done') this.#add('compensations', { outcome: kept > 0 ? 'kept' : 'done' })
    else if (event.verdict !== 'retry') this.#add('compensations', { outcome: 'failed' })
  }

  /** A message of a worker was refused, since its lease does not stand. */
  fence(): void {
    this.#fencedWrites++
  }

  get all(): TaskCounts {
    const of = (name: string): Labeled[] => [...(this.#counts.get(name)?.values() ?? [])]
    return {
      ...{ started: of('started'), ended: of('ended'), steps: of('steps'), retries: of('retries') },
      ...{ leasesLost: of('leasesLost'), compensations: of('compensations') },
      ...{ undoKept: this.#undoKept, fencedWrites: this.#fencedWrites },
      ...{ taskSeconds: this.#task.all, stepSeconds: this.#step.all },
    }
  }

  #add(name: string, labels: Readonly<Record<string, string>>): void {
    const counts = this.#counts.get(name) ?? new Map<string, Labeled>()
    this.#counts.set(name, counts)
    const key = JSON.stringify(labels)
    counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + 1 })
  }
}

class Histogram {
  readonly #counts: number[] = SECONDS_BOUNDS.map(() => 0)
  #sum = 0
  #count = 0

  add(seconds: number): void {
    const n = SECONDS_BOUNDS.findIndex((bound) => seconds <= bound)
    if (n >= 0) this.#counts[n] = (this.#counts[n] ?? 0) + 1
    this.#sum += Math.max(0, seconds)
    this.#count++
  }

  get all(): Seconds {
    return { counts: [...this.#counts], sum: this.#sum, count: this.#count }
  }
}

/** Adds statuses up. */
export function gaugesOf(statuses: Iterable<CountedStatus>): Pick<TaskGauges, 'tasks' | 'waiting'> {
  const tasks = new Map<string, Labeled>()
  const waiting = new Map<WaitCode, TaskGauges['waiting'][number]>()
  for (const { saga, state, why, waitingSeconds } of statuses) {
    const key = JSON.stringify([saga, state])
    tasks.set(key, { labels: { definition: saga, state }, value: (tasks.get(key)?.value ?? 0) + 1 })
    if (why === undefined) continue
    const before = waiting.get(why)
    const oldestSeconds = Math.max(before?.oldestSeconds ?? 0, waitingSeconds)
    waiting.set(why, { labels: { why }, value: (before?.value ?? 0) + 1, oldestSeconds })
  }
  return { tasks: [...tasks.values()], waiting: [...waiting.values()] }
}

/** The statuses of a workspace's tasks, as they are now. */
export function countedStatuses(book: TaskBook): CountedStatus[] {
  return Array.from(book.fold.tasks.values(), (task) => {
    const { state, waiting } = book.status(task)
    const waitingSeconds = waiting === undefined ? 0 : Math.max(0, book.nowMs - task.updatedAt) / 1_000
    return { saga: task.saga.name, state, why: waiting?.code, waitingSeconds }
  })
}
