import { type Task, tasksOf } from '@joinery/client'
import { startWorker, type WorkerEvent } from '@joinery/worker'
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

/** Time between two looks at a text that is not there yet, ms. */
const LOOK_MS = 50

/** Steps of a worker that serves the template's saga, and of the person who starts and follows its task. */
export function createTemplateTaskSteps({ workspace, workspaceName, httpUrl, pace, note, reached }: StepContext) {
  const tasks = tasksOf(workspace)
  return {
    /** Takes work from the server until the process ends. */
    async serveTemplate({ name }: { name: string }): Promise<void> {
      const onEvent = ({ type }: WorkerEvent): void => {
        if (type === 'connected') reached('serving')
      }
      const worker = startWorker({ url: httpUrl, sagas: [templateSaga], name, leaseMs: LEASE_MS, onEvent })
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

    /** The texts of blocks by their ids, as the server has them now; null for a block that is not there. */
    async textsOf({ blocks }: { blocks: readonly string[] }): Promise<Readonly<Record<string, string | null>>> {
      const texts: Record<string, string | null> = {}
      for (const id of blocks) {
        const url = `${httpUrl}/v1/workspaces/${encodeURIComponent(workspaceName)}/blocks/${encodeURIComponent(id)}`
        const response = await fetch(url)
        texts[id] = response.ok ? ((await response.json()) as { content: string }).content : null
      }
      return texts
    },

    /** Types a sentence at the end of a block's text, as soon as the block has one. */
    async typeIn({ block: id, text }: { block: string; text: string }): Promise<void> {
      while ((workspace.blocks.get(id)?.text ?? '') === '') await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      const { content } = blockOf(workspace.blocks, id)
      for (const letter of text) content.insert(content.length, letter)
      await workspace.whenDurable()
    },
  }
}
