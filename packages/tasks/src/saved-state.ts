import { type Codec, LogError, readVersioned, unreadable, versioned } from '@joinery/log'
import { z } from 'zod'
import { by, failure, item, json, kept, sagaShape, stepFailure, subject, taskEnd, turnWhy } from './record-schemas.ts'
import { newStep, type StepRecord, type TaskRecord } from './task-state.ts'
import { Units } from './units.ts'
import { WorkFold } from './work-fold.ts'

const attempts = z.object({
  state: z.enum(['idle', 'running', 'waiting', 'done', 'failed', 'unsure']),
  attempt: z.int().min(0),
  spent: z.number(),
  firstAt: z.number().optional(),
  retryAt: z.number().optional(),
  nonce: z.string().optional(),
  leaseMs: z.number().optional(),
  worker: z.string().optional(),
  answer: z.string().optional(),
  error: failure.optional(),
  details: json.optional(),
  hasKept: z.boolean().optional(),
  hasNews: z.boolean().optional(),
})
const unit = z.object({
  run: attempts,
  undo: attempts,
  result: json.optional(),
  isUnsure: z.boolean(),
  isSkipped: z.boolean(),
})
const savedStep = z.object({
  items: z.array(item).optional(),
  plan: attempts,
  isWaiting: z.boolean(),
  until: z.number().optional(),
  units: z.array(z.tuple([z.string(), unit])),
})
const savedTask = z.object({
  id: z.string(),
  /** Place of the saga in the list of sagas. */
  saga: z.int().min(0),
  input: json,
  by,
  key: z.string().optional(),
  body: z.string(),
  traceparent: z.string().optional(),
  startedAt: z.number(),
  subject: subject.optional(),
  plan: attempts,
  steps: z.array(savedStep),
  phase: z.enum(['forward', 'undo', 'ended']),
  turned: z.object({ why: turnWhy, error: stepFailure.optional() }).optional(),
  end: taskEnd.optional(),
  error: stepFailure.optional(),
  isOverdue: z.boolean(),
  isPaused: z.boolean(),
  isUnprojected: z.boolean(),
  signals: z.array(z.object({ name: z.string(), id: z.string(), payload: json })),
  taken: z.array(z.string()),
  kept: z.array(kept),
  touched: z.array(kept),
  records: z.array(z.number()),
  bytes: z.number(),
  deadlineAt: z.number().optional(),
  updatedAt: z.number(),
  endedAt: z.number().optional(),
  lsn: z.number(),
})
const savedHead = z.object({ copy: z.string(), sagas: z.array(sagaShape), tasks: z.array(z.unknown()) })

type SavedSaga = z.output<typeof sagaShape>
type SavedTask = z.output<typeof savedTask>

const WHAT = 'a snapshot of tasks'
/** Tasks that are written or read between two turns of other work: some milliseconds. */
const TASKS_PER_TURN = 50

/**
 * Writes and reads the whole state of a journal. Each saga is written once, however many tasks run it. The JSON has each task in
 * a line of its own, so that a reader needs not hold all of them as text, as JSON and as records at once.
 */
export const stateCodec: Codec<WorkFold> = {
  encode(fold) {
    const writing = new StateText(fold)
    writing.writeAll()
    return writing.end()
  },
  decode(bytes) {
    return readVersioned(bytes, WHAT, (text) => {
      const { head, tasks } = partsOf(text)
      const sagas = head.sagas
      return new WorkFold({ copy: head.copy, tasks: Array.from(tasks, (task) => loadTask(task, sagas)) })
    })
  },
  async encodeInTurns(fold) {
    const writing = new StateText(fold)
    try {
      while (writing.write(TASKS_PER_TURN)) await otherWork()
      return writing.end()
    } finally {
      writing.stop()
    }
  },
  async verifyInTurns(bytes) {
    const { head, tasks } = readVersioned(bytes, WHAT, partsOf)
    let read = 0
    try {
      for (const task of tasks) {
        loadTask(task, head.sagas)
        if (++read % TASKS_PER_TURN === 0) await otherWork()
      }
    } catch (cause) {
      throw unreadable(WHAT, cause)
    }
  },
}

function otherWork(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The text of a state as it was when this was made: a task is written before it changes. */
class StateText {
  readonly #copy: string
  readonly #tasks: readonly TaskRecord[]
  readonly #lines = new Map<TaskRecord, string>()
  readonly #sagas: SavedSaga[] = []
  readonly #places = new Map<object, number>()
  readonly #texts = new Map<string, number>()
  #next = 0
  /** Ends the watch of the fold. */
  readonly stop: () => void

  constructor(fold: WorkFold) {
    this.#copy = fold.copy
    this.#tasks = [...fold.tasks.values()]
    const own = new Set(this.#tasks)
    this.stop = fold.beforeChanges((task) => {
      if (task === undefined) this.writeAll()
      else if (own.has(task)) this.#write(task)
    })
  }

  /** Writes some more tasks. Returns whether there are others. */
  write(count: number): boolean {
    const end = Math.min(this.#tasks.length, this.#next + count)
    for (const task of this.#tasks.slice(this.#next, end)) this.#write(task)
    this.#next = end
    return end < this.#tasks.length
  }

  writeAll(): void {
    while (this.write(TASKS_PER_TURN));
  }

  end(): Uint8Array {
    this.stop()
    const head = `{"copy":${JSON.stringify(this.#copy)},"sagas":${JSON.stringify(this.#sagas)},"tasks":[`
    const lines = this.#tasks.map((task) => this.#lines.get(task) ?? 'null')
    return versioned([head, ...(lines.length === 0 ? [] : ['\n', lines.join(',\n'), '\n']), ']}'])
  }

  #write(task: TaskRecord): void {
    if (this.#lines.has(task)) return
    const saved = { ...task, saga: this.#placeOf(task.saga), steps: task.steps.map(saveStep) }
    this.#lines.set(task, JSON.stringify(saved))
  }

  #placeOf(saga: TaskRecord['saga']): number {
    const known = this.#places.get(saga)
    if (known !== undefined) return known
    const text = JSON.stringify(saga)
    const place = this.#texts.get(text) ?? this.#sagas.push(saga as SavedSaga) - 1
    this.#texts.set(text, place)
    this.#places.set(saga, place)
    return place
  }
}

function saveStep({ items, plan, isWaiting, until, units }: StepRecord): unknown {
  return { items, plan, isWaiting, until, units: [...units.entries()] }
}

/** The parts of the text: all but the tasks, and the tasks one after the other. Throws for a text that is no state. */
function partsOf(text: string): { head: z.output<typeof savedHead>; tasks: Iterable<SavedTask> } {
  const first = text.indexOf('\n')
  // A text of one line has no tasks, or was written by an earlier version.
  if (first < 0) {
    const head = savedHead.parse(JSON.parse(text))
    return { head, tasks: head.tasks.values().map((task) => savedTask.parse(task)) }
  }
  const last = text.lastIndexOf('\n')
  const head = savedHead.parse(JSON.parse(text.slice(0, first) + text.slice(last + 1)))
  return { head, tasks: tasksIn(text, first + 1, last) }
}

function* tasksIn(text: string, from: number, last: number): Generator<SavedTask> {
  for (let start = from; start < last; ) {
    const end = text.indexOf('\n', start)
    const isLast = end === last
    if (!isLast && text[end - 1] !== ',') throw new Error('a task ends without a comma')
    yield savedTask.parse(JSON.parse(text.slice(start, isLast ? end : end - 1)))
    start = end + 1
  }
}

function loadTask(task: SavedTask, sagas: readonly SavedSaga[]): TaskRecord {
  const saga = sagas[task.saga]
  if (saga === undefined || saga.steps.length !== task.steps.length) {
    throw new LogError('corrupted', 'a snapshot of tasks lacks the steps of a task: verify the data directory')
  }
  const steps = saga.steps.map((shape, n): StepRecord => {
    const { units: list = [], ...rest } = task.steps[n] ?? {}
    const units = new Units(shape.hasUndo ?? false)
    for (const [key, unit] of list) units.set(key, unit)
    return { ...newStep(shape), ...rest, units }
  })
  return { ...task, saga, steps }
}
