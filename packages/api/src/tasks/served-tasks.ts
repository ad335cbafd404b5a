import type { ClaimList } from '@joinery/blocks'
import type { EventStore } from '@joinery/log'
import type { Server } from '@joinery/server'
import { openTasks, type TaskEngine, type TaskLimits } from '@joinery/tasks'
import type { Logger } from 'pino'
import { listenForRuns } from './adapter-runs.ts'
import { assertStartable } from './own-sagas.ts'
import { TaskDocuments } from './task-documents.ts'
import { listenForTasks } from './task-requests.ts'

/** Workers of other servers call within a second of a server's first word (J110), which it says when its tasks are open, ms. */
const MEETS_WORKERS_MS = 5_000

export interface ServedTasksOptions {
  readonly server: Pick<Server, 'workspaces' | 'costs'>
  readonly store: EventStore
  /** The lists of claims that blocks have. */
  readonly lists: readonly ClaimList[]
  /** Names of the machines that have an adapter: a run of one starts its task. None by default. */
  readonly adapters?: readonly string[]
  /** Names of the server's own sagas: people ask for none of them, nor of those that begin with one of the names and a dot. */
  readonly ownSagas?: readonly string[]
  readonly limits: Partial<TaskLimits>
  /** Finds workspaces by the hash in tokens of steps that another server has given out. */
  readonly workspaceOfHash?: (hash: string) => string | undefined
  readonly logger: Logger
}

/** The tasks of a server. */
export interface ServedTasks {
  readonly tasks: TaskEngine
  /** Ends all waits, and writes no more. Call it before the server is closed. */
  close(): Promise<void>
}

async function fateOf(store: EventStore, workspace: string): Promise<'there' | 'deleted' | 'gone'> {
  for await (const name of store.tombstones()) if (name === workspace) return 'deleted'
  for await (const name of store.workspaces()) if (name === workspace) return 'there'
  return 'gone'
}

/** Opens the tasks of a server's workspaces. Tasks of deleted workspaces wait until the deletion is taken back. */
export async function openServedTasks(options: ServedTasksOptions): Promise<ServedTasks> {
  const { server, store, lists, adapters = [], ownSagas = [], limits, logger, workspaceOfHash } = options
  const { workspaces, costs } = server
  const tasks = await openTasks({
    openSystemLog: (name, release) => workspaces.openSystemLog(name, release),
    atomically: (work) => store.atomically(work),
    copy: store.copy,
    systemLogs: () => store.systemLogs(),
    fateOf: (workspace) => fateOf(store, workspace),
    documents: new TaskDocuments({ workspaces, lists, costs }),
    logger,
    limits,
    assertAskable: (saga) => assertStartable(saga, ownSagas),
    ...(workspaceOfHash && { workspaceOfHash, meetsWorkersMs: MEETS_WORKERS_MS }),
  })
  for await (const name of workspaces.deleted()) tasks.suspend(name)
  const unlisten = [
    listenForTasks({ workspaces, tasks, lists, logger }),
    listenForRuns({ workspaces, tasks, lists, adapters }),
    workspaces.listenToFates(async (workspace, fate) => {
      if (fate === 'purging') await tasks.willForget(workspace)
      else if (fate === 'deleted') tasks.suspend(workspace)
      else if (fate === 'purged') await tasks.forget(workspace)
      else tasks.unsuspend(workspace)
      if (fate === 'replaced') await tasks.project(workspace)
    }),
  ]
  return {
    tasks,
    close: async () => {
      for (const stop of unlisten) stop()
      await tasks.close()
    },
  }
}
