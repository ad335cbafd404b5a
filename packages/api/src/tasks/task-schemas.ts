import type { TaskState, TaskView } from '@joinery/tasks'
import { z } from 'zod'
import { blockId, json, lsnSchema, name, params, timeSchema } from '../schemas.ts'
import { cleanView, type Redact } from './told-words.ts'

/** The states of a task, and what each means. */
export const TASK_STATES = [
  'queued',
  'running',
  'waiting',
  'stalled',
  'compensating',
  'needs_attention',
  'done',
  'failed',
  'compensated',
  'compensated_partly',
  'canceled',
] as const satisfies readonly TaskState[]

/** Characters of a task's id: it carries the name of its workspace. */
const TASK_ID_MAX = 2_048

export const taskId = z.string().min(1).max(TASK_ID_MAX)
export const taskParams = params.workspace.extend({ task: taskId })
export const sagaName = name.max(128).meta({ examples: ['instantiate-template'] })
export const stepName = name.max(128)
export const subjectSchema = z.strictObject({ block: blockId, name }).meta({
  description: 'the block whose status of the machine task@1, by its name, shows the task',
})

const failure = z.object({ message: z.string(), class: z.string() })
const kept = z.object({
  block: z.string(),
  version: lsnSchema.meta({ description: 'LSN of the change of somebody else' }),
  by: z.string().meta({ description: 'actor of that change' }),
})
const waiting = z
  .object({
    code: z.string(),
    reason: z.string(),
    until: timeSchema.optional().meta({ description: 'when it goes on by itself, ms since the epoch' }),
  })
  .meta({ description: 'why the task does not go on: set in every state but `running` and the last ones' })

const step = z.object({
  name: z.string(),
  kind: z.enum(['step', 'each', 'sleep', 'signal']),
  state: z.string(),
  done: z.int().meta({ description: 'items that are done; 0 or 1 for a step without items' }),
  total: z.int(),
  attempt: z.int().meta({ description: 'number of the attempt that runs or ran last, from 1; 0 before the first' }),
  progress: z
    .object({ progress: z.number().optional(), total: z.number().optional(), note: z.string().optional() })
    .optional(),
  workers: z.array(z.string()).optional(),
  error: failure.optional(),
  result: json.optional(),
})

const links = z.object({ self: z.string(), events: z.string(), cancel: z.string() })

export const taskSchema = z
  .object({
    id: z.string().meta({ description: 'names the task, and its workspace' }),
    workspace: z.string(),
    saga: z.string(),
    version: z.int(),
    state: z.enum(TASK_STATES),
    steps: z.array(step),
    input: json,
    subject: z.object({ block: z.string(), name: z.string() }).optional(),
    waiting: waiting.optional(),
    error: failure.extend({ step: z.string().optional() }).optional(),
    kept: z.array(kept).meta({ description: 'blocks that were not taken back, since somebody else has changed them' }),
    undone: z
      .array(z.object({ step: z.string(), item: z.string().optional(), error: z.string() }))
      .optional()
      .meta({ description: 'what could not be done, or taken back, of a task that needs attention' }),
    results: z
      .record(z.string(), json)
      .optional()
      .meta({ description: 'results of the steps, of a task that is done' }),
    by: z.string().meta({ description: 'actor who started it' }),
    startedAt: timeSchema,
    updatedAt: timeSchema,
    endedAt: timeSchema.optional(),
    deadlineAt: timeSchema.optional(),
    isCanceling: z.boolean(),
    lsn: lsnSchema.meta({ description: "LSN of the task's last record in the journal of its workspace" }),
    links,
  })
  .meta({ id: 'Task' })

export const taskAnswer = z.object({ task: taskSchema })

/** A task as its answer shows it, its results without secrets. */
export function viewTask(task: TaskView, redact: Redact): TaskView & { readonly links: z.infer<typeof links> } {
  const self = pathOf(task)
  return { ...cleanView(task, redact), links: { self, events: `${self}/events`, cancel: `${self}/cancel` } }
}

/** The path of a task. */
export function pathOf({ workspace, id }: Pick<TaskView, 'workspace' | 'id'>): string {
  return `/v1/workspaces/${encodeURIComponent(workspace)}/tasks/${encodeURIComponent(id)}`
}
