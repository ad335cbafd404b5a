import { createReadStream } from 'node:fs'
import { type EventStore, LogError, openLevelStore } from '@joinery/log'
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
  whileStorageWorks,
} from '@joinery/log/operations'
import { parseWorkspaceName } from '@joinery/protocol'
import type { Workspaces } from '@joinery/server'
import { compactStore, type WithLog } from './compact-store.mts'
import type { ImportChoice, Operator, Removal, Watched } from './operator.mts'
import { type Alone, exportIntactPart, repairStore } from './repair-store.mts'
import { trialLoad } from './trial-load.mts'
import { verifyDamaged } from './verify-damaged.mts'

/** Deletes, takes back and purges workspaces, and sees to whoever has them open. */
type Remover = (removal: Removal, workspace: string) => Promise<void>

/** What depends on whether rooms are on a store. */
export interface Access {
  readonly remove: Remover
  readonly withLog: WithLog
  readonly alone: Alone
}

/** Works on a store that this process has open, while it goes on serving. */
export function storeOperator(directory: string, store: EventStore, access: Access): Operator {
  return {
    verify: (watched) => verifyOpenDirectory(directory, store, { ...watched, load: trialLoad }),
    inspect: (workspace, signal) => inspectStore(store, { ...(workspace !== undefined && { workspace }), signal }),
    history: (query, signal) => readHistory(store, query, signal),
    archive: (choice, watched) => {
      if ('intactPartOf' in choice) return exportIntactPart(store, choice.intactPartOf, watched.signal)
      const { workspaces } = choice
      return exportArchive(store, { ...watched, ...(workspaces && { workspaces }) })
    },
    import: (path, choice, watched) => {
      return importArchive(store, () => createReadStream(path), { ...importOptions(choice, watched), load: trialLoad })
    },
    remove: (removal, workspace) => whileStorageWorks(store, undefined, () => access.remove(removal, workspace)),
    repair: (workspace, isMeant, { signal }) => {
      return repairStore(store, workspace, { directory, isMeant, signal, alone: access.alone })
    },
    compact: (keepHistory, workspace, watched) => {
      return whileStorageWorks(store, watched.signal, (signal) =>
        compactStore(store, access.withLog, { keepHistory, workspace }, { ...watched, signal }),
      )
    },
  }
}

/** Works on a directory that nobody has open. What only reads changes nothing in it. */
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
  /** What has nothing to work on where there is no log must not make one: the directory is misspelt. */
  const changing = async <T,>(work: (operator: Operator) => Promise<T>): Promise<T> => {
    await assertIsLog(directory)
    return writing(work)
  }
  const operatorOf = (store: EventStore): Operator => storeOperator(directory, store, directAccess(store))
  return {
    verify: async (watched) => {
      const report = await verifyDirectory(directory, { ...watched, load: trialLoad })
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
      // No store is made for an archive that nothing can be taken from.
      if (!(await holdsLog(directory))) for await (const _ of readArchive(createReadStream(path)));
      return writing((operator) => operator.import(path, choice, watched))
    },
    remove: (removal, workspace) => changing((operator) => operator.remove(removal, workspace)),
    repair: (workspace, isMeant, watched) => {
      const running = isMeant ? changing : reading
      return running((operator) => operator.repair(workspace, isMeant, watched))
    },
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

/** For a store that no rooms are on. */
function directAccess(store: EventStore): Access {
  return {
    remove: (removal, workspace) => {
      if (removal === 'delete') return store.tombstone(workspace)
      return removal === 'undelete' ? store.undelete(workspace) : store.purge(workspace)
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
  }
}

/** For a store that a server's rooms are on: whoever is in one is told. What no client can name has no room. */
export function roomAccess(workspaces: Workspaces, store: EventStore): Access {
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
      const workspace = parseWorkspaceName(name)
      return workspace === undefined ? work() : workspaces.replace(workspace, work)
    },
  }
}

function importOptions({ workspaces, as }: ImportChoice, watched: Watched) {
  return { ...watched, ...(workspaces && { workspaces }), ...(as !== undefined && { rename: () => as }) }
}
