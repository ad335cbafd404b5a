import type { TaskView } from '@joinery/tasks'
import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import type { TaskAsk, TaskRow } from './store-tasks.mts'
import { formatCount, formatTable, formatTime } from './table.mts'

/** Commands that ask something of one task, with the words that tell what has become of it. */
const ASKS = [
  ['retry', 'Go on with the step that failed; the results so far are kept.', 'goes on'],
  ['cancel', 'Ask for the end of a task: what it has done is taken back.', 'is being canceled'],
  ['terminate', 'End a task at once, and take nothing back.', 'is terminated: what it has done stays'],
] as const

/** Adds `joinery tasks list`, `show`, `retry`, `cancel`, `skip`, `terminate` and `resume` to the program. */
export function addTasksCommand(program: Command): void {
  const tasks = program
    .command('tasks')
    .description('List the tasks of a workspace, look at one, or decide what becomes of it.')
  const ofWorkspace = (name: string): Command => {
    return addDataOptions(tasks.command(name).argument('<workspace>', 'its name'))
  }
  const ofTask = (name: string): Command => ofWorkspace(name).argument('<task>', 'id of the task')
  ofWorkspace('list')
    .description('List the tasks, the newest first: what each does, and what it waits for.')
    .option('--state <states>', 'only tasks in these states, joined by commas')
    .option('--saga <name>', 'only tasks of this saga')
    .action(async (workspace: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const [all, damaged] = await withOperator(directory, async (operator) => {
        return [await operator.tasks(workspace), await operator.damagedJournals()]
      })
      const states = typeof options.state === 'string' ? options.state.split(',') : undefined
      const rows = all.filter(({ state, saga }) => {
        return (states?.includes(state) ?? true) && (options.saga === undefined || options.saga === saga)
      })
      say(isJson ? JSON.stringify({ directory, workspace, tasks: rows, damagedJournals: damaged }) : describeAll(rows))
      for (const { log, reason } of damaged) console.error(`${log}: ${reason}`)
    })
  ofTask('show')
    .description('Show one task: its steps, what it waits for, what failed, and what was kept.')
    .action(async (workspace: string, id: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const task = await withOperator(directory, (operator) => operator.task(workspace, id))
      say(isJson ? JSON.stringify({ directory, workspace, task }) : describeOne(task))
    })
  const tell = async (workspace: string, id: string, options: Options, ask: TaskAsk, done: string): Promise<void> => {
    const { directory, isJson } = readDataOptions(options)
    const task = await withOperator(directory, (operator) => operator.askTask(workspace, id, ask))
    const text = `task ${id} of ${workspace} ${done} (${stateOf(task)})`
    say(isJson ? JSON.stringify({ directory, workspace, task, done: ask.type }) : text)
  }
  for (const [type, description, done] of ASKS) {
    ofTask(type)
      .description(description)
      .action((workspace: string, id: string, options: Options) => tell(workspace, id, options, { type }, done))
  }
  ofTask('skip')
    .argument('<step>', 'name of the step that failed')
    .description('Take the step that failed for done.')
    .option('--result <json>', 'its result, for the steps behind it (default: null)')
    .action((workspace: string, id: string, step: string, options: Options) => {
      const ask: TaskAsk = { type: 'skip', step, result: readResult(options.result) }
      return tell(workspace, id, options, ask, `goes on behind ${step}`)
    })
  ofWorkspace('resume')
    .description('Let the tasks go on that wait since a restore or an import.')
    .action(async (workspace: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const resumed = await withOperator(directory, (operator) => operator.resumeTasks(workspace))
      const text = `${formatCount(resumed, 'task')} of ${workspace} resumed`
      say(isJson ? JSON.stringify({ directory, workspace, resumed, done: 'resume' }) : text)
    })
}

function readResult(text: unknown): TaskView['input'] {
  if (typeof text !== 'string') return null
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('usage', `--result must be JSON, such as '{"ok":true}' or null: ${text}`, { cause })
  }
}

function stateOf({ state, waiting }: TaskRow): string {
  return waiting === undefined ? state : `${state}: ${waiting.reason}`
}

function describeAll(rows: readonly TaskRow[]): string {
  if (rows.length === 0) return 'there are no tasks'
  const cells = rows.map((row) => {
    const { id, saga, version, state, steps, by, startedAt, waiting, error } = row
    const step = steps.find((one) => one.state !== 'done' && one.state !== 'skipped')?.name ?? '-'
    return [id, `${saga}@${version}`, state, step, by, formatTime(startedAt), waiting?.reason ?? error?.message ?? '']
  })
  return formatTable(['task', 'saga', 'state', 'step', 'by', 'started', 'why'], cells)
}

function describeOne(task: TaskView): string {
  const { id, saga, version, by, startedAt, updatedAt, endedAt, deadlineAt, error, kept, undone = [], steps } = task
  const times = [
    `started ${formatTime(startedAt)} by ${by}`,
    endedAt === undefined ? `changed ${formatTime(updatedAt)}` : `ended ${formatTime(endedAt)}`,
    ...(deadlineAt === undefined ? [] : [`deadline ${formatTime(deadlineAt)}`]),
  ]
  const cells = steps.map((step) => {
    const why = step.error?.message ?? step.progress?.note ?? ''
    return [
      step.name,
      step.kind,
      step.state,
      step.attempt,
      `${step.done}/${step.total}`,
      step.workers?.join(' ') ?? '',
      why,
    ]
  })
  return [
    `task ${id}: ${saga}@${version}`,
    stateOf(task),
    times.join(', '),
    ...(error === undefined ? [] : [`error${error.step === undefined ? '' : ` in ${error.step}`}: ${error.message}`]),
    ...undone.map(({ step, item, error: why }) => `not done: ${step}${item === undefined ? '' : ` ${item}`}: ${why}`),
    ...kept.map((one) => `kept: block ${one.block}, since ${one.by} has changed it`),
    formatTable(['step', 'kind', 'state', 'attempt', 'done', 'worker', 'why'], cells),
  ].join('\n')
}
