import { type Task, tasksOf } from '@joinery/client'
import { startWorker } from '@joinery/worker'
import { TEMPLATE_SAGA, type TemplateInput, templateSaga } from '../template/template-saga.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** The end of a task, for a finding. */
export interface TaskEnd {
  readonly state: Task['state']
  readonly kept: Task['kept']
  /** Number of attempts of each step, by its name. */
  readonly attempts: Readonly<Record<string, number>>
}

/** Time that a text of the template takes, ms, before the pace. */
const TEXT_MS = 1_200
/** Time after which another worker gets the work of one that is dead, ms: short, since a person watches. */
const LEASE_MS = 3_000

/** Steps of a worker that serves the template's saga, and of the person who starts and follows its task. */
export function createTemplateTaskSteps({ workspace, httpUrl, pace, note }: StepContext) {
  const tasks = tasksOf(workspace)
  return {
    /** Takes work from the server until the process ends. */
    async serveTemplate({ name }: { name: string }): Promise<void> {
      const worker = startWorker({ url: httpUrl, sagas: [templateSaga], name, leaseMs: LEASE_MS })
      await worker.ended
    },

    /** Starts a task, and resolves with its id as soon as the server has promised that it will run. */
    async startTemplate({ prefix, fails }: { prefix: string; fails: boolean }): Promise<string> {
      const input: TemplateInput = { prefix, fails, textMs: TEXT_MS * pace }
      const { id } = await tasks.start(TEMPLATE_SAGA, { ...input }, { key: prefix })
      note('The server has taken the task (202): from here on it goes on, whatever dies.')
      return id
    },

    /** Resolves once a step of the task has so many items done. */
    async stepReaches({ task, step, done }: { task: string; step: string; done: number }): Promise<void> {
      await tasks.until(task, ({ steps }) => steps.some((each) => each.name === step && each.done >= done))
    },

    /** Sends the signal that the task waits for, or will. */
    async approve({ task }: { task: string }): Promise<void> {
      await tasks.signal(task, 'approval', null)
    },

    /** Resolves when the task has ended. */
    async taskEnds({ task }: { task: string }): Promise<TaskEnd> {
      const { state, kept, steps } = await tasks.until(task)
      return { state, kept, attempts: Object.fromEntries(steps.map(({ name, attempt }) => [name, attempt])) }
    },

    /** The texts of blocks by their ids; null for one that is not there. */
    async textsOf({ blocks }: { blocks: readonly string[] }): Promise<Readonly<Record<string, string | null>>> {
      await workspace.untilSynced()
      return Object.fromEntries(blocks.map((id) => [id, workspace.blocks.get(id)?.text ?? null]))
    },

    /** Types a sentence at the end of a block's text. */
    async typeIn({ block: id, text }: { block: string; text: string }): Promise<void> {
      const { content } = blockOf(workspace.blocks, id)
      for (const letter of text) content.insert(content.length, letter)
      await workspace.whenDurable()
    },
  }
}
