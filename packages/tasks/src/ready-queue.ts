import type { SagaShape } from '@joinery/protocol'
import type { Target } from './task-event.ts'
import type { TaskRecord } from './task-state.ts'

interface Group {
  readonly saga: SagaShape
  /** The oldest first. */
  readonly tasks: TaskRecord[]
}

/** The tasks of one workspace that have attempts to give away: those of one version of a saga together, the oldest first. */
export class ReadyQueue {
  readonly #groups = new Map<string, Group>()
  readonly #offers = new Map<string, readonly Target[]>()
  /** Group of each task that is in one. */
  readonly #places = new Map<string, string>()

  get size(): number {
    return this.#offers.size
  }

  offersOf(task: string): readonly Target[] {
    return this.#offers.get(task) ?? []
  }

  put(task: TaskRecord, offers: readonly Target[]): void {
    const { name, version, digest } = task.saga
    const place = offers.length === 0 ? undefined : JSON.stringify([name, version, digest])
    const before = this.#places.get(task.id)
    if (place === undefined) this.#offers.delete(task.id)
    else this.#offers.set(task.id, offers)
    if (before === place) return
    if (before !== undefined) this.#leave(before, task)
    if (place === undefined) this.#places.delete(task.id)
    else this.#enter(place, task)
  }

  /** The groups, as long as nothing is put. */
  groups(): Iterable<Group> {
    return this.#groups.values()
  }

  clear(): void {
    this.#groups.clear()
    this.#offers.clear()
    this.#places.clear()
  }

  #enter(place: string, task: TaskRecord): void {
    const group = this.#groups.get(place) ?? { saga: task.saga, tasks: [] }
    this.#groups.set(place, group)
    group.tasks.splice(placeIn(group.tasks, task), 0, task)
    this.#places.set(task.id, place)
  }

  #leave(place: string, task: TaskRecord): void {
    const tasks = this.#groups.get(place)?.tasks ?? []
    const n = placeIn(tasks, task)
    if (tasks[n]?.id === task.id) tasks.splice(n, 1)
    if (tasks.length === 0) this.#groups.delete(place)
  }
}

/** The place of a task among others, by start and id. */
function placeIn(tasks: readonly TaskRecord[], task: TaskRecord): number {
  let [low, high] = [0, tasks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const other = tasks[middle]
    if (other !== undefined && isBefore(other, task)) low = middle + 1
    else high = middle
  }
  return low
}

export function isBefore(a: TaskRecord, b: TaskRecord): boolean {
  return a.startedAt < b.startedAt || (a.startedAt === b.startedAt && a.id < b.id)
}
