import { type EventStore, LogError, workspaceOfSystemLog } from '@joinery/log'
import {
  type DeliveryView,
  decideDelivery,
  deliveriesIn,
  type FailingEndpoint,
  type LaneJournal,
  laneLogOf,
  type NamedSubscription,
  OUTBOX_ENTRY,
  OUTBOX_LOG,
  type Outbox,
  type OutboxJournal,
  openLaneJournal,
  openOutboxJournal,
} from '@joinery/resources'

/** A request of an operator about one delivery that was given up. */
export type DeliveryAsk = 'replay' | 'drop'

/** Outbound webhooks that an operator may have to look at. */
export interface FailedDeliveries {
  /** Endpoints to which nothing could be delivered. */
  readonly endpoints: readonly FailingEndpoint[]
  readonly deliveries: readonly DeliveryView[]
  /** The endpoints that are told of changes. A store that no server uses has those alone that the configuration has not. */
  readonly subscriptions: readonly NamedSubscription[]
}

/** The outbound webhooks of a store. */
export interface StoreDeliveries {
  list(): Promise<FailedDeliveries>
  /** False if no such delivery was given up. */
  ask(delivery: DeliveryView, ask: DeliveryAsk): Promise<boolean>
  /** False if the endpoint is not disabled. */
  enable(subscription: string): Promise<boolean>
}

/** The outbound webhooks of a server. */
export function servedDeliveries(outbox: Outbox): StoreDeliveries {
  return {
    list: async () => {
      const { failing: endpoints, subscriptions } = outbox
      return { endpoints, subscriptions, deliveries: await outbox.deliveries() }
    },
    ask: (delivery, ask) => outbox.decide(delivery, ask),
    enable: async (subscription) => outbox.enable(subscription),
  }
}

/** The outbound webhooks of a store from which no server sends any. The next one goes on with what was decided. */
export function directDeliveries(store: EventStore): StoreDeliveries {
  const atomically = <T,>(work: () => T): T => store.atomically(work)
  // The next server takes the snapshot that is due.
  const onUntidy = (): void => undefined
  const withOutbox = async <T,>(work: (journal: OutboxJournal | undefined) => Promise<T>): Promise<T> => {
    // To look for deliveries must not make a log.
    if (!(await logsOf(store)).includes(OUTBOX_LOG)) return await work(undefined)
    const log = await store.open(OUTBOX_LOG)
    try {
      return await work(await openOutboxJournal(log, atomically, onUntidy))
    } finally {
      await log.close()
    }
  }
  const withLane = async <T,>(workspace: string, work: (journal: LaneJournal) => Promise<T>): Promise<T> => {
    const log = await store.open(laneLogOf(workspace))
    try {
      return await work(await openLaneJournal(log, atomically, onUntidy))
    } finally {
      await log.close()
    }
  }
  return {
    list: async () => {
      const deliveries: DeliveryView[] = []
      for (const workspace of workspacesWith(await logsOf(store))) {
        deliveries.push(...(await withLane(workspace, async ({ fold }) => deliveriesIn(workspace, fold))))
      }
      return await withOutbox(async (journal) => {
        const failing = [...(journal?.fold.failing ?? [])].map(([subscription, rest]) => ({ subscription, ...rest }))
        const put = [...(journal?.fold.subscriptions ?? [])]
        const subscriptions = put.map(([id, subscription]) => ({ id, from: 'api' as const, subscription }))
        return { endpoints: failing, deliveries, subscriptions }
      })
    },
    ask: async ({ workspace, subscription, id }, ask) => {
      return await withLane(workspace, async (lane) => {
        if (!(await decideDelivery(lane, { subscription, id }, ask))) return false
        await withOutbox(async (journal) => {
          const about = { workspace, count: lane.fold.deadCount }
          await journal?.append([{ event: { type: 'dead', ...about }, ...OUTBOX_ENTRY }], { sync: true }).durable
        })
        return true
      })
    },
    enable: (subscription) => {
      return withOutbox(async (journal) => {
        if (journal?.fold.failing.get(subscription)?.disabled === undefined) return false
        await journal.append([{ event: { type: 'enabled', subscription }, ...OUTBOX_ENTRY }], { sync: true }).durable
        return true
      })
    },
  }
}

/** One delivery. Rejects with `invalid` if there is none of this id. */
export async function deliveryOf(deliveries: StoreDeliveries, subscription: string, id: string): Promise<DeliveryView> {
  const all = (await deliveries.list()).deliveries
  const found = all.find((delivery) => delivery.subscription === subscription && delivery.id === id)
  if (found !== undefined) return found
  throw new LogError(
    'invalid',
    `no delivery ${id} of ${subscription} has failed: \`joinery hooks outgoing list\` shows those that have`,
  )
}

/** Decides about a delivery that was given up. Rejects with `invalid` if it was not. */
export async function askDelivery(
  deliveries: StoreDeliveries,
  subscription: string,
  id: string,
  ask: DeliveryAsk,
): Promise<DeliveryView> {
  const found = await deliveryOf(deliveries, subscription, id)
  if (await deliveries.ask(found, ask)) return found
  throw new LogError('invalid', `the delivery ${id} of ${subscription} is ${found.state}: it is tried again by itself`)
}

/** Sends to a disabled endpoint again. Rejects with `invalid` if it is not disabled. */
export async function enableEndpoint(deliveries: StoreDeliveries, subscription: string): Promise<void> {
  if (await deliveries.enable(subscription)) return
  throw new LogError('invalid', `the endpoint of ${subscription} is not disabled`)
}

async function logsOf(store: EventStore): Promise<string[]> {
  return await Array.fromAsync(store.systemLogs())
}

function workspacesWith(logs: readonly string[]): string[] {
  return logs.flatMap((name) => (name.startsWith(`${OUTBOX_LOG}/`) ? (workspaceOfSystemLog(name) ?? []) : []))
}
