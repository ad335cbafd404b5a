import type { NamedSubscription } from '@joinery/resources'
import type { Command } from 'commander'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'
import { addDataOptions, readDataOptions } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import type { FailedDeliveries } from './store-deliveries.mts'
import { formatTable, formatTime } from './table.mts'

/** Commands that decide about one delivery that was given up, with the words that tell what has become of it. */
const ASKS = [
  ['replay', 'Have a delivery that was given up sent once more.', 'is sent once more'],
  ['drop', 'Forget a delivery that was given up.', 'is dropped'],
] as const

/** Adds `outgoing list`, `show`, `replay`, `drop` and `enable` to `joinery hooks`. */
export function addOutgoingCommands(hooks: Command): void {
  const outgoing = hooks
    .command('outgoing')
    .description('Look at webhooks that could not be delivered, and decide about those that were given up.')
  addDataOptions(outgoing.command('list'))
    .description('List the endpoints, those that fail, and the deliveries that have failed, the newest last.')
    .action(async (options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const failed = await withOperator(directory, (operator) => operator.deliveries())
      const rows = failed.deliveries.map(({ body: _body, ...row }) => row)
      const subscriptions = failed.subscriptions.map(rowOf)
      const told = { directory, subscriptions, endpoints: failed.endpoints, deliveries: rows }
      say(isJson ? JSON.stringify(told) : describe(failed))
    })
  const ofDelivery = (name: string): Command => {
    return addDataOptions(
      outgoing
        .command(name)
        .argument('<subscription>', 'name of the subscription')
        .argument('<delivery>', 'id of the delivery'),
    )
  }
  ofDelivery('show')
    .description('Show one delivery that has failed, with its body.')
    .action(async (subscription: string, id: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      const delivery = await withOperator(directory, (operator) => operator.delivery(subscription, id))
      const text = [describe({ endpoints: [], subscriptions: [], deliveries: [delivery] }), delivery.body].join('\n')
      say(isJson ? JSON.stringify({ directory, delivery }) : text)
    })
  for (const [ask, description, done] of ASKS) {
    ofDelivery(ask)
      .description(description)
      .action(async (subscription: string, id: string, options: Options) => {
        const { directory, isJson } = readDataOptions(options)
        const delivery = await withOperator(directory, (operator) => operator.askDelivery(subscription, id, ask))
        const text = `the delivery ${id} of ${subscription} ${done}`
        say(isJson ? JSON.stringify({ directory, delivery, done: ask }) : text)
      })
  }
  addDataOptions(outgoing.command('enable').argument('<subscription>', 'name of the subscription'))
    .description('Send to an endpoint again that was disabled, from where it was left.')
    .action(async (subscription: string, options: Options) => {
      const { directory, isJson } = readDataOptions(options)
      await withOperator(directory, (operator) => operator.enableEndpoint(subscription))
      const text = `webhooks are sent to the endpoint of ${subscription} again`
      say(isJson ? JSON.stringify({ directory, subscription, done: 'enable' }) : text)
    })
}

function describe({ endpoints, deliveries, subscriptions }: FailedDeliveries): string {
  const told = subscriptions.map(rowOf).map(({ id, from, url, workspaces, events }) => {
    return [id, from, url, workspaces.join(', '), events.join(', ')]
  })
  const known = told.length === 0 ? [] : [formatTable(['subscription', 'from', 'url', 'workspaces', 'events'], told)]
  if (endpoints.length === 0 && deliveries.length === 0) return [...known, 'all webhooks were delivered'].join('\n')
  const failing = endpoints.map(({ subscription, since, disabled }) => {
    const state = disabled === undefined ? 'is failing' : `is disabled, since ${disabled}`
    return `the endpoint of ${subscription} ${state} (from ${formatTime(since)})`
  })
  const cells = deliveries.map(({ subscription, workspace, id, state, attempts, at, nextAt, why }) => {
    const next = nextAt === undefined ? '-' : formatTime(nextAt)
    return [subscription, workspace, id, state, String(attempts), formatTime(at), next, why ?? '']
  })
  const header = ['subscription', 'workspace', 'delivery', 'state', 'attempts', 'last', 'next', 'why']
  return [...known, ...failing, ...(cells.length === 0 ? [] : [formatTable(header, cells)])].join('\n')
}

/** A subscription as the list has it: headers, and the query of the URL, may hold secrets. */
function rowOf({ id, from, subscription: { url, workspaces, events } }: NamedSubscription) {
  const { origin, pathname } = new URL(url)
  return { id, from, url: `${origin}${pathname}`, workspaces, events }
}
