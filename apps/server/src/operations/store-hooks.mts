import { type EventStore, LogError } from '@joinery/log'
import { HOOKS_LOG, HookDesk, type HookEntry } from '@joinery/resources'

/** One event of a service as a list shows it. */
export type HookRow = Omit<HookEntry, 'body'>

/** One event with its body as text, while it may be handled. */
export type HookView = HookEntry

/** A request of an operator about one parked event. */
export type HookAsk = 'replay' | 'drop'

/** Runs work with the events of a store. `undefined` stands for a store that never had any. */
export type StoreHooks = <T>(work: (desk: Desk | undefined) => Promise<T>) => Promise<T>

type Desk = Pick<HookDesk, 'list' | 'find' | 'replay' | 'drop' | 'forget'>

/** The events of a store of which no server has the inbox open. A replayed one is handled by the next server. */
export function directHooks(store: EventStore): StoreHooks {
  return async (work) => {
    let isThere = false
    for await (const name of store.systemLogs()) isThere ||= name === HOOKS_LOG
    // To look for events must not make a log.
    if (!isThere) return await work(undefined)
    const log = await store.open(HOOKS_LOG)
    try {
      // The next server takes the snapshot that is due.
      const desk = await HookDesk.open({ log, atomically: (appends) => store.atomically(appends), onUntidy: () => {} })
      try {
        return await work(desk)
      } finally {
        await desk.close()
      }
    } finally {
      await log.close()
    }
  }
}

/** The events that are known, the newest first. */
export function hooksOf(use: StoreHooks): Promise<HookRow[]> {
  return use(async (desk) => (desk?.list() ?? []).map(rowOf).reverse())
}

/** One event. Rejects with `invalid` if there is none. */
export function hookOf(use: StoreHooks, endpoint: string, id: string): Promise<HookView> {
  return use(async (desk) => {
    const { body, ...row } = found(desk, endpoint, id)
    return body === undefined ? row : { ...row, body: Buffer.from(body, 'base64').toString() }
  })
}

/** Decides about a parked event. Rejects with `invalid` if it is not parked. Resolves when that is on the disk. */
export function askHook(use: StoreHooks, endpoint: string, id: string, ask: HookAsk): Promise<HookRow> {
  return use(async (desk) => {
    const { state } = found(desk, endpoint, id)
    if (!(await desk?.[ask](endpoint, id))) {
      throw new LogError(
        'invalid',
        `the event ${id} of ${endpoint} is ${state}: only a parked one is replayed or dropped`,
      )
    }
    return rowOf(found(desk, endpoint, id))
  })
}

function found(desk: Desk | undefined, endpoint: string, id: string): HookEntry {
  const entry = desk?.find(endpoint, id)
  if (entry !== undefined) return entry
  throw new LogError(
    'invalid',
    `there is no event ${id} of ${endpoint}: \`joinery hooks list\` shows those that are known`,
  )
}

function rowOf({ body: _body, ...row }: HookEntry): HookRow {
  return row
}
