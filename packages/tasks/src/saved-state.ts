import { type Codec, jsonCodec, LogError } from '@joinery/log'
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
const savedState = z.object({ copy: z.string(), sagas: z.array(sagaShape), tasks: z.array(savedTask) })

type SavedState = z.output<typeof savedState>
type SavedTask = z.output<typeof savedTask>

const saved = jsonCodec(savedState, 'a snapshot of tasks')

/** Writes and reads the whole state of a journal. Each saga is written once, however many tasks run it. */
export const stateCodec: Codec<WorkFold> = {
  encode: (fold) => saved.encode(save(fold)),
  decode: (bytes) => load(saved.decode(bytes)),
}

function save(fold: WorkFold): SavedState {
  const places = new Map<object, number>()
  const texts = new Map<string, number>()
  const sagas: SavedState['sagas'] = []
  const placeOf = (saga: TaskRecord['saga']): number => {
    const known = places.get(saga)
    if (known !== undefined) return known
    const text = JSON.stringify(saga)
    const place = texts.get(text) ?? sagas.push(saga as SavedState['sagas'][number]) - 1
    texts.set(text, place)
    places.set(saga, place)
    return place
  }
  const tasks = Array.from(
    fold.tasks.values(),
    (task): SavedTask => ({ ...task, saga: placeOf(task.saga), steps: task.steps.map(saveStep) }) as SavedTask,
  )
  return { copy: fold.copy, sagas, tasks }
}

function saveStep({ items, plan, isWaiting, until, units }: StepRecord): unknown {
  return { items, plan, isWaiting, until, units: [...units.entries()] }
}

function load({ copy, sagas, tasks }: SavedState): WorkFold {
  return new WorkFold({ copy, tasks: tasks.map((task) => loadTask(task, sagas)) })
}

function loadTask(task: SavedTask, sagas: SavedState['sagas']): TaskRecord {
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
