import type { Json } from '@joinery/protocol'
import type { Target } from './task-event.ts'
import { currentStep, type StepRecord, type TaskRecord, unitOf } from './task-state.ts'

/** The steps of one workspace that wait for resources, by the resource: news find them without a look at all tasks. */
export class Followers {
  /** The items that wait for a resource, by its name and the id of their task. One that is undefined is of a step without items. */
  readonly #byResource = new Map<string, Map<string, (string | undefined)[]>>()
  /** The step and the resources of each task, as they were taken the last time. */
  readonly #taken = new Map<string, Pick<StepRecord, 'items'> & { step: StepRecord; resources: readonly string[] }>()

  /** Takes what a task waits for now. Costs nothing for a saga that follows nothing. */
  put(task: TaskRecord): void {
    if (!task.saga.steps.some(({ follows }) => follows !== undefined)) return
    const step = followingOf(task)
    const before = this.#taken.get(task.id)
    if (before?.step === step && before?.items === step?.items) return
    this.#drop(task.id)
    if (step === undefined) return
    const resources = new Set<string>()
    const add = (item: string | undefined, value: Json): void => {
      const resource = resourceOf(step.shape.follows, value)
      if (resource === undefined) return
      const ofTasks = this.#byResource.get(resource) ?? new Map<string, (string | undefined)[]>()
      this.#byResource.set(resource, ofTasks.set(task.id, [...(ofTasks.get(task.id) ?? []), item]))
      resources.add(resource)
    }
    if (step.shape.kind !== 'each') add(undefined, task.input)
    for (const { key, value } of step.items ?? []) add(key, value)
    this.#taken.set(task.id, { step, items: step.items, resources: [...resources] })
  }

  /** The attempts of other tasks that news of this step concern. */
  concerned(
    task: TaskRecord,
    told: StepRecord,
    item: string | undefined,
    find: (id: string) => TaskRecord | undefined,
  ): { readonly task: TaskRecord; readonly target: Target }[] {
    const value = item === undefined ? task.input : told.items?.find(({ key }) => key === item)?.value
    const resource = resourceOf(told.shape.tells, value)
    const ofTasks = resource === undefined ? undefined : this.#byResource.get(resource)
    return [...(ofTasks ?? [])].flatMap(([id, items]) => {
      const other = find(id)
      const step = other && followingOf(other)
      if (other === undefined || step === undefined || other === task) return []
      return items
        .filter((waiting) => isWakeable(step, waiting))
        .map((waiting) => ({
          task: other,
          target: { task: id, kind: 'run', step: step.shape.name, item: waiting } as const,
        }))
    })
  }

  #drop(id: string): void {
    for (const resource of this.#taken.get(id)?.resources ?? []) {
      const ofTasks = this.#byResource.get(resource)
      ofTasks?.delete(id)
      if (ofTasks?.size === 0) this.#byResource.delete(resource)
    }
    this.#taken.delete(id)
  }
}

function followingOf(task: TaskRecord): StepRecord | undefined {
  const step = task.phase === 'forward' ? currentStep(task) : undefined
  return step?.shape.follows === undefined ? undefined : step
}

/** Whether news change when the next attempt is made. A host that asks for patience is given it. */
function isWakeable(step: StepRecord, item: string | undefined): boolean {
  const { state, error } = unitOf(step, item).run
  if (state === 'running') return true
  if (state === 'waiting') return error?.class === 'pending'
  // A step that has waited for too long waits for a person now, whom news spare the work.
  return state === 'failed' && step.shape.onFailure === 'wait'
}

/** Names a resource of a machine, by its `block` and `name`. */
function resourceOf(machine: string | undefined, value: Json | undefined): string | undefined {
  if (machine === undefined || typeof value !== 'object' || value === null) return undefined
  const { block, name } = value as { readonly block?: Json; readonly name?: Json }
  return typeof block === 'string' && typeof name === 'string' ? JSON.stringify([machine, block, name]) : undefined
}
