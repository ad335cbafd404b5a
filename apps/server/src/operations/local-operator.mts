import { createReadStream } from 'node:fs'
import {
  type EventStore,
  isSystemLog,
  kindOfSystemLog,
  LogError,
  openLevelStore,
  whileStorageWorks,
} from '@joinery/log'
import {
  assertIsLog,
  exportArchive,
  importArchive,
  inspectStore,
  openForReading,
  readArchive,
  readHistory,
  verifyDirectory,
  verifyOpenDirectory,
} from '@joinery/log/operations'
import { parseWorkspaceName } from '@joinery/protocol'
import { HOOKS_LOG, type Inbox, OUTBOX_LOG, type Outbox } from '@joinery/resources'
import { whyCostly as costlyReason, isAboutMemory, type Revocations, type Server, ServerError } from '@joinery/server'
import type { TaskEngine } from '@joinery/tasks'
import { removeFilesOf } from '../files/remove-files.mts'
import { compactStore, type WithLog } from './compact-store.mts'
import { type LoadLimits, loadLimitsOf } from './load-limits.mts'
import { withLoadThread } from './load-threads.mts'
import type { ImportChoice, Operator, Removal, Watched } from './operator.mts'
import { type Alone, exportIntactPart, repairStore } from './repair-store.mts'
import { openRevocations, revokedText } from './revocations-file.mts'
import {
  askDelivery,
  deliveryOf,
  directDeliveries,
  enableEndpoint,
  type StoreDeliveries,
  servedDeliveries,
} from './store-deliveries.mts'
import { askHook, directHooks, hookOf, hooksOf, type StoreHooks } from './store-hooks.mts'
import { directLeases, leasesOf, releaseLease, type StoreLeases, servedLeases } from './store-leases.mts'
import { askTask, directTasks, purgeDirectly, resumeTasks, type StoreTasks, taskOf, tasksOf } from './store-tasks.mts'
import { trySystemLog } from './try-system-log.mts'
import { verifyDamaged } from './verify-damaged.mts'

/** The ways that an operator has with a workspace that takes too much to load. */
const COSTLY_WAY = 'restore it from a backup of before, or end it before the costly record with `joinery repair`'

/** Deletes, undeletes or purges a workspace. A room on it is closed, and its clients are told. */
type Remover = (removal: Removal, workspace: string) => Promise<void>

/** The operations that differ when a server's rooms have workspaces open. */
export interface Access {
  readonly remove: Remover
  readonly withLog: WithLog
  readonly alone: Alone
  readonly leases: StoreLeases
  readonly tasks: StoreTasks
  readonly hooks: StoreHooks
  readonly deliveries: StoreDeliveries
  readonly loadLimits: LoadLimits
  /** Workspaces that are known to take too much to load, with the reason. */
  readonly costly: ReadonlyMap<string, string>
  /** The reason for which a workspace takes too much to load; undefined if it does not. Rejects with the storage error. */
  readonly whyCostly: (workspace: string) => Promise<string | undefined>
  /** Refuses tokens of an actor that are older than a time. Resolves with the number of ended connections. */
  readonly revoke: (actor: string, sinceMs: number) => Promise<number>
}

/** Operator on a store that this process has open; the process goes on serving from it. */
export function storeOperator(directory: string, store: EventStore, access: Access): Operator {
  const limits = access.loadLimits
  return {
    verify: (watched) =>
      withLoadThread({ limits }, (load) =>
        verifyOpenDirectory(directory, store, { ...watched, load, loadSystemLog: trySystemLog }),
      ),
    inspect: async (workspace, signal) => {
      const inspection = await inspectStore(store, { ...(workspace !== undefined && { workspace }), signal })
      const costly = [...access.costly].filter(([name]) => workspace === undefined || name === workspace)
      const told = costly.map(([name, why]) => ({
        workspace: name,
        reason: `is not served, since loading it takes too much: ${why}; ${COSTLY_WAY}`,
      }))
      return { ...inspection, damaged: [...inspection.damaged, ...told] }
    },
    history: (query, signal) => readHistory(store, query, signal),
    archive: (choice, watched) => {
      if ('intactPartOf' in choice) return exportIntactPart(store, choice.intactPartOf, limits, watched.signal)
      const { workspaces } = choice
      // A backup has the revocations, too: a restore must not let back in who was locked out.
      if (workspaces === undefined) return exportArchive(store, { ...watched, attached: () => revokedText(directory) })
      return exportArchive(store, { ...watched, workspaces })
    },
    import: (path, choice, watched) => {
      return withLoadThread({ limits }, (load) =>
        importArchive(store, () => createReadStream(path), { ...importOptions(choice, watched), load }),
      )
    },
    remove: (removal, workspace) => whileStorageWorks(store, undefined, () => access.remove(removal, workspace)),
    repair: async (workspace, isMeant, { signal }) => {
      const isMeasured = isAboutMemory((await whyCostly(access, workspace)) ?? '')
      return await withLoadThread({ limits, isMeasured }, (load) =>
        repairStore(store, workspace, { directory, isMeant, signal, load, alone: access.alone }),
      )
    },
    revoke: (actor, sinceMs) => access.revoke(actor, sinceMs),
    leases: (workspace) => leasesOf(store, access.leases, workspace),
    releaseLease: (workspace, name) => {
      return whileStorageWorks(store, undefined, () => releaseLease(store, access.leases, workspace, name))
    },
    tasks: (workspace) => tasksOf(store, access.tasks, workspace),
    damagedJournals: () => access.tasks(async (tasks) => tasks.damagedJournals),
    task: (workspace, task) => taskOf(store, access.tasks, workspace, task),
    askTask: (workspace, task, ask) => {
      return whileStorageWorks(store, undefined, () => askTask(store, access.tasks, workspace, task, ask))
    },
    resumeTasks: (workspace) => {
      return whileStorageWorks(store, undefined, () => resumeTasks(store, access.tasks, workspace))
    },
    hooks: () => hooksOf(access.hooks),
    hook: (endpoint, id) => hookOf(access.hooks, endpoint, id),
    askHook: (endpoint, id, ask) => {
      return whileStorageWorks(store, undefined, () => askHook(access.hooks, endpoint, id, ask))
    },
    deliveries: () => access.deliveries.list(),
    delivery: (subscription, id) => deliveryOf(access.deliveries, subscription, id),
    askDelivery: (subscription, id, ask) => {
      return whileStorageWorks(store, undefined, () => askDelivery(access.deliveries, subscription, id, ask))
    },
    enableEndpoint: (subscription) => {
      return whileStorageWorks(store, undefined, () => enableEndpoint(access.deliveries, subscription))
    },
    compact: (keepHistory, workspace, watched) => {
      return whileStorageWorks(store, watched.signal, (signal) =>
        compactStore(store, access.withLog, { keepHistory, workspace, limits }, { ...watched, signal }),
      )
    },
  }
}

/** Operator on a directory that no process has open. An operation that only reads changes nothing in it. */
export function directoryOperator(directory: string): Operator {
  const reading = async <T,>(work: (operator: Operator) => Promise<T>): Promise<T> => {
    const { store, close } = await openForReading(directory)
    try {
      return await work(operatorOf(store))
    } finally {
      await close()
    }
  }
  const writing = async <T,>(work: (operator: Operator) => Promise<T>): Promise<T> => {
    const store = await openLevelStore({ directory, durability: 'sync' })
    try {
      return await work(operatorOf(store))
    } finally {
      await store.close()
    }
  }
  /** Like `writing`, but never makes a log: a directory without one is misspelt. */
  const changing = async <T,>(work: (operator: Operator) => Promise<T>): Promise<T> => {
    await assertIsLog(directory)
    return writing(work)
  }
  const removeFiles = (workspace: string): Promise<void> => removeFilesOf(directory, workspace, process.env)
  const operatorOf = (store: EventStore): Operator => storeOperator(directory, store, directAccess(store, removeFiles))
  return {
    verify: async (watched) => {
      const report = await withLoadThread({ limits: loadLimitsOf(process.env) }, (load) =>
        verifyDirectory(directory, { ...watched, load, loadSystemLog: trySystemLog }),
      )
      const isCutShort = report.problems.some(({ code }) => code === 'not_looked_at')
      return (isCutShort ? await verifyDamaged(directory, watched.signal) : undefined) ?? report
    },
    inspect: (workspace, signal) => reading((operator) => operator.inspect(workspace, signal)),
    history: (query, signal) => reading((operator) => operator.history(query, signal)),
    archive: async function* (choice, watched) {
      const { store, close } = await openForReading(directory)
      try {
        yield* operatorOf(store).archive(choice, watched)
      } finally {
        await close()
      }
    },
    import: async (path, choice, watched) => {
      // Reads the archive to its end before a store is made: a damaged one must not leave an empty store behind.
      if (!(await holdsLog(directory))) for await (const _ of readArchive(createReadStream(path)));
      return writing((operator) => operator.import(path, choice, watched))
    },
    remove: (removal, workspace) => changing((operator) => operator.remove(removal, workspace)),
    repair: (workspace, isMeant, watched) => {
      const running = isMeant ? changing : reading
      return running((operator) => operator.repair(workspace, isMeant, watched))
    },
    // The lock of the store keeps a server from starting meanwhile with the revocations of before.
    revoke: (actor, sinceMs) => changing(async () => (await openRevocations(directory)).revoke(actor, sinceMs)),
    leases: (workspace) => reading((operator) => operator.leases(workspace)),
    releaseLease: (workspace, name) => changing((operator) => operator.releaseLease(workspace, name)),
    tasks: (workspace) => reading((operator) => operator.tasks(workspace)),
    damagedJournals: () => reading((operator) => operator.damagedJournals()),
    task: (workspace, task) => reading((operator) => operator.task(workspace, task)),
    askTask: (workspace, task, ask) => changing((operator) => operator.askTask(workspace, task, ask)),
    resumeTasks: (workspace) => changing((operator) => operator.resumeTasks(workspace)),
    hooks: () => reading((operator) => operator.hooks()),
    hook: (endpoint, id) => reading((operator) => operator.hook(endpoint, id)),
    askHook: (endpoint, id, ask) => changing((operator) => operator.askHook(endpoint, id, ask)),
    deliveries: () => reading((operator) => operator.deliveries()),
    delivery: (subscription, id) => reading((operator) => operator.delivery(subscription, id)),
    askDelivery: (subscription, id, ask) => changing((operator) => operator.askDelivery(subscription, id, ask)),
    enableEndpoint: (subscription) => changing((operator) => operator.enableEndpoint(subscription)),
    compact: (keepHistory, workspace, watched) => {
      return changing((operator) => operator.compact(keepHistory, workspace, watched))
    },
  }
}

async function holdsLog(directory: string): Promise<boolean> {
  try {
    await assertIsLog(directory)
    return true
  } catch (error) {
    if (error instanceof LogError && error.code === 'unreadable') return false
    throw error
  }
}

/** Access to a store without rooms. */
function directAccess(store: EventStore, removeFiles: (workspace: string) => Promise<void> = async () => {}): Access {
  return {
    remove: async (removal, workspace) => {
      if (removal === 'delete') return store.tombstone(workspace)
      if (removal === 'undelete') return store.undelete(workspace)
      await purgeDirectly(store, workspace, removeFiles)
      await directHooks(store)(async (desk) => desk?.forget(workspace))
    },
    withLog: async (workspace, work) => {
      const log = await store.open(workspace)
      try {
        return await work(log)
      } finally {
        await log.close()
      }
    },
    alone: (_workspace, work) => work(),
    leases: directLeases(store),
    tasks: directTasks(store),
    hooks: directHooks(store),
    deliveries: directDeliveries(store),
    costly: new Map(),
    loadLimits: loadLimitsOf(process.env),
    whyCostly: async (workspace) => {
      const log = await store.open(workspace)
      try {
        return await costlyReason(log, loadLimitsOf(process.env))
      } finally {
        await log.close()
      }
    },
    revoke: () => Promise.reject(new LogError('invalid', 'tokens are revoked in the directory, not in its store')),
  }
}

/** Access to a store with a server's rooms. A workspace whose name no client could use has no room, so it is accessed directly. */
export function roomAccess(
  { workspaces, costlyWorkspaces }: Pick<Server, 'workspaces' | 'costlyWorkspaces'>,
  tasks: TaskEngine,
  store: EventStore,
  revocations: Revocations,
  loadLimits: LoadLimits,
  { inbox, outbox }: { readonly inbox: Inbox | undefined; readonly outbox: Outbox | undefined },
): Access {
  const direct = directAccess(store)
  return {
    remove: (removal, name) => {
      const workspace = parseWorkspaceName(name)
      return workspace === undefined ? direct.remove(removal, name) : workspaces[removal](workspace)
    },
    withLog: (name, work) => {
      const workspace = parseWorkspaceName(name)
      return workspace === undefined ? direct.withLog(name, work) : workspaces.maintain(workspace, work)
    },
    alone: (name, work) => {
      const kind = kindOfSystemLog(name)
      if ((kind === HOOKS_LOG && inbox !== undefined) || (kind === OUTBOX_LOG && outbox !== undefined)) {
        return Promise.reject(new LogError('invalid', `the server writes ${name}: stop it, and then repair the log`))
      }
      if (isSystemLog(name)) return tasks.whileClosed(name, work)
      const workspace = parseWorkspaceName(name)
      return workspace === undefined ? work() : workspaces.replace(workspace, work)
    },
    leases: servedLeases(workspaces.leases),
    tasks: (work) => work(tasks),
    hooks: inbox === undefined ? direct.hooks : (work) => work(inbox),
    deliveries: outbox === undefined ? direct.deliveries : servedDeliveries(outbox),
    costly: costlyWorkspaces,
    loadLimits,
    whyCostly: async (name) => costlyWorkspaces.get(name),
    revoke: (actor, sinceMs) => revocations.revoke(actor, sinceMs),
  }
}

/** The same for a workspace of documents. One that is damaged can't be tried as it is. */
async function whyCostly(access: Access, workspace: string): Promise<string | undefined> {
  if (isSystemLog(workspace)) return undefined
  try {
    return await access.whyCostly(workspace)
  } catch (error) {
    // The repair itself says what is wrong with it.
    if (error instanceof LogError || error instanceof ServerError) return undefined
    throw error
  }
}

function importOptions({ workspaces, as }: ImportChoice, watched: Watched) {
  return { ...watched, ...(workspaces && { workspaces }), ...(as !== undefined && { rename: () => as }) }
}
