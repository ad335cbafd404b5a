import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import { addOutgoingCommands } from './outgoing-commands.mts'
import type { HookRow, HookView } from './store-hooks.mts'
import { formatTable, formatTime } from './table.mts'

const STATES: readonly HookRow['state'][] = ['received', 'routed', 'handled', 'ignored', 'parked', 'dropped']

/** Commands that decide about one parked event, with the words that tell what has become of it. */
const ASKS = [
  ['replay', 'Have a parked event handled again, as if it had come now.', 'is handled again'],
  ['drop', 'Give a parked event up: it is not handled.', 'is dropped'],
] as const

/** Adds `joinery hooks list`, `show`, `replay` and `drop` to the program. */
export function addHooksCommand(program: Command): void {
  const hooks = program
    .command('hooks')
    .description('List the events that services have sent, look at one, or decide about one that is parked.')
  addDataOptions(hooks.command('list'))
    .description('List the events of the last 30 days, the newest first, with what became of each.')
    .option('--state <states>', `only events in these states, joined by commas: ${STATES.join(', ')}`)
    .option('--endpoint <name>', 'only events of this endpoint')
    .action(async (options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const states = readStates(options.state)
      const all = await withOperator(directory, (operator) => operator.hooks())
      const rows = all.filter(({ state, endpoint }) => {
        return states.includes(state) && (options.endpoint === undefined || options.endpoint === endpoint)
      })
      say(isJson ? JSON.stringify({ directory, hooks: rows }) : describeAll(rows))
    })
  addOutgoingCommands(hooks)
  const ofEvent = (name: string): Command => {
    return addDataOptions(
      hooks.command(name).argument('<endpoint>', 'name of the endpoint').argument('<event>', 'id of the event'),
    )
  }
  ofEvent('show')
    .description('Show one event, and its body while it may be handled.')
    .action(async (endpoint: string, id: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const hook = await withOperator(directory, (operator) => operator.hook(endpoint, id))
      say(isJson ? JSON.stringify({ directory, hook }) : describeOne(hook))
    })
  for (const [ask, description, done] of ASKS) {
    ofEvent(ask)
      .description(description)
      .action(async (endpoint: string, id: string, options: Options) => {
        const { directory, isJson } = readDataOptions(options)
        const hook = await withOperator(directory, (operator) => operator.askHook(endpoint, id, ask))
        const text = `the event ${id} of ${endpoint} ${done}`
        say(isJson ? JSON.stringify({ directory, hook, done: ask }) : text)
      })
  }
}

function readStates(given: unknown): readonly string[] {
  if (typeof given !== 'string') return STATES
  const asked = given.split(',')
  const unknown = asked.find((name) => !STATES.some((state) => state === name))
  if (unknown === undefined) return asked
  throw new AppError('usage', `--state must be some of ${STATES.join(', ')}, joined by commas: ${unknown}`)
}

function describeAll(rows: readonly HookRow[]): string {
  if (rows.length === 0) return 'there are no events'
  const cells = rows.map(({ endpoint, id, kind, state, at, workspace = '-', why, task }) => {
    return [endpoint, id, kind, state, formatTime(at), workspace, why ?? task ?? '']
  })
  return formatTable(['endpoint', 'event', 'kind', 'state', 'came', 'workspace', 'why or task'], cells)
}

function describeOne({ body, ...row }: HookView): string {
  return [describeAll([row]), ...(body === undefined ? [] : [body])].join('\n')
}
