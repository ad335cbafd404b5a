import { applyEvent, attemptsOf, taskOf } from './apply-event.ts'
import type { Attempts } from './attempts.ts'
import type { JournalEvent, Target } from './task-event.ts'
import type { TaskRecord } from './task-state.ts'

/** Folds the events of one workspace's journal into its tasks. The result is a function of the events alone. */
export class WorkFold {
  #copy: string
  readonly #tasks = new Map<string, TaskRecord>()
  readonly #byKey = new Map<string, TaskRecord>()
  readonly #byNonce = new Map<string, Target>()
  readonly #watchers = new Set<(task: TaskRecord | undefined) => void>()
  readonly #open = new Set<TaskRecord>()

  constructor(
    { copy, tasks }: { readonly copy: string; readonly tasks: readonly TaskRecord[] } = { copy: '', tasks: [] },
  ) {
    this.#copy = copy
    for (const task of tasks) {
      this.#put(task)
      for (const target of targetsOf(task)) this.#index(target, attemptsOf(task, target)?.nonce)
    }
  }

  /** Id of the copy of the data in which the journal is written; empty before the first event. */
  get copy(): string {
    return this.#copy
  }

  /** The tasks in the order of their start. */
  get tasks(): ReadonlyMap<string, TaskRecord> {
    return this.#tasks
  }

  /** Number of tasks that have not ended. */
  get open(): number {
    return this.#open.size
  }

  /** The tasks that have not ended. */
  get openTasks(): ReadonlySet<TaskRecord> {
    return this.#open
  }

  ofKey(key: string): TaskRecord | undefined {
    return this.#byKey.get(key)
  }

  /** The last attempt that the lease of this nonce was given for. */
  ofNonce(nonce: string): Target | undefined {
    const target = this.#byNonce.get(nonce)
    const task = this.#tasks.get(target?.task ?? '')
    if (target === undefined || task === undefined) return undefined
    // A task that was moved to another version of its saga may have lost the step.
    return attemptsOf(task, target)?.nonce === nonce ? target : undefined
  }

  /** Calls `watcher` before each change of a task, and with undefined before a change of many. Returns unsubscribe. */
  beforeChanges(watcher: (task: TaskRecord | undefined) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Takes the next event. An event about a task that is not there changes nothing. */
  take(event: JournalEvent, at: number, lsn: number): void {
    switch (event.type) {
      case 'copied':
        this.#copyInto(event.copy, at, lsn)
        return
      case 'resumed':
        this.#tell(undefined)
        for (const task of this.#tasks.values()) {
          if (!task.isPaused) continue
          task.isPaused = false
          task.updatedAt = Math.max(task.updatedAt, at)
          task.lsn = lsn
        }
        return
      case 'swept':
        for (const id of event.tasks) this.#drop(id)
        return
      case 'started':
        if (!this.#tasks.has(event.task)) this.#put(taskOf(event, at, lsn))
        return
    }
    const task = this.#tasks.get(event.task)
    if (task === undefined) return
    this.#tell(task)
    const before = 'kind' in event ? attemptsOf(task, event)?.nonce : undefined
    applyEvent(task, event, at, lsn)
    if (event.type === 'leased' || event.type === 'released') {
      if (before !== undefined) this.#byNonce.delete(before)
      this.#index(event, attemptsOf(task, event)?.nonce)
    }
    if (isOpen(task)) this.#open.add(task)
    else this.#open.delete(task)
  }

  #tell(task: TaskRecord | undefined): void {
    for (const watcher of this.#watchers) watcher(task)
  }

  #index({ task, kind, step, item }: Target, nonce: string | undefined): void {
    if (nonce === undefined) return
    // Without a step only the plan of the task can be meant. A plan has no item, nor has the one unit of a step without items.
    if (step === undefined || kind === 'plan') this.#byNonce.set(nonce, { task, kind: 'plan', step })
    else this.#byNonce.set(nonce, { task, kind, step, item: item === '' ? undefined : item })
  }

  #put(task: TaskRecord): void {
    this.#tasks.set(task.id, task)
    if (task.key !== undefined) this.#byKey.set(task.key, task)
    if (isOpen(task)) this.#open.add(task)
  }

  #drop(id: string): void {
    const task = this.#tasks.get(id)
    if (task === undefined) return
    this.#tasks.delete(id)
    if (task.key !== undefined) this.#byKey.delete(task.key)
    for (const target of targetsOf(task)) this.#byNonce.delete(attemptsOf(task, target)?.nonce ?? '')
    this.#open.delete(task)
  }

  /** The leases of the other copy do not stand here: nobody knows whether their workers go on. */
  #copyInto(copy: string, at: number, lsn: number): void {
    const isFirst = this.#copy === ''
    this.#copy = copy
    if (isFirst) return
    this.#tell(undefined)
    for (const task of this.#tasks.values()) {
      if (!isOpen(task)) continue
      task.isPaused = true
      task.updatedAt = Math.max(task.updatedAt, at)
      task.lsn = lsn
      for (const target of targetsOf(task)) {
        const attempts = attemptsOf(task, target)
        if (attempts?.state !== 'running') continue
        this.#byNonce.delete(attempts.nonce ?? '')
        const isOnce = task.steps.find(({ shape }) => shape.name === target.step)?.shape.effect === 'at_most_once'
        const verdict = isOnce && target.kind === 'run' ? 'attention' : 'retry'
        applyEvent(task, { type: 'unsure', ...target, why: 'copied', verdict, retryAt: at }, at, lsn)
      }
    }
  }
}

export function isOpen(task: TaskRecord): boolean {
  return task.phase !== 'ended'
}

/** Everything of a task for which attempts were made, in the order of its steps. */
export function* targetsOf({ id: task, plan, steps }: TaskRecord): Generator<Target> {
  if (isTried(plan)) yield { task, kind: 'plan' }
  for (const { shape, plan: stepPlan, units } of steps) {
    const step = shape.name
    if (isTried(stepPlan)) yield { task, kind: 'plan', step }
    for (const [key, { run, undo }] of units.entries()) {
      const item = key === '' ? undefined : key
      if (isTried(run)) yield { task, kind: 'run', step, item }
      if (isTried(undo)) yield { task, kind: 'undo', step, item }
    }
  }
}

/** A record that is damaged, or not ours, may have a lease for attempt 0. */
function isTried({ attempt, nonce }: Attempts): boolean {
  return attempt > 0 || nonce !== undefined
}
