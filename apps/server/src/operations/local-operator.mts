import { createReadStream } from 'node:fs'
import { type EventStore, openLevelStore } from '@joinery/log'
import {
  exportArchive,
  importArchive,
  inspectStore,
  openForReading,
  readHistory,
  verifyDirectory,
  verifyOpenDirectory,
} from '@joinery/log/operations'
import { parseWorkspaceName } from '@joinery/protocol'
import type { Workspaces } from '@joinery/server'
import type { ImportChoice, Operator, Removal, Watched } from './operator.mts'
import { trialLoad } from './trial-load.mts'
import { verifyDamaged } from './verify-damaged.mts'

/** Deletes, takes back and purges workspaces, and sees to whoever has them open. */
export type Remover = (removal: Removal, workspace: string) => Promise<void>

/** Works on a store that this process has open, while it goes on serving. */
export function storeOperator(directory: string, store: EventStore, remove: Remover): Operator {
  return {
    verify: (watched) => verifyOpenDirectory(directory, store, { ...watched, load: trialLoad }),
    inspect: (workspace, signal) => inspectStore(store, { ...(workspace !== undefined && { workspace }), signal }),
    history: (query, signal) => readHistory(store, query, signal),
    archive: (workspaces, watched) => exportArchive(store, { ...watched, ...(workspaces && { workspaces }) }),
    import: (path, choice, watched) => {
      return importArchive(store, () => createReadStream(path), { ...importOptions(choice, watched), load: trialLoad })
    },
    remove,
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
  const operatorOf = (store: EventStore): Operator => storeOperator(directory, store, removeFrom(store))
  return {
    verify: async (watched) => {
      const report = await verifyDirectory(directory, { ...watched, load: trialLoad })
      const isCutShort = report.problems.some(({ code }) => code === 'not_looked_at')
      return (isCutShort ? await verifyDamaged(directory, watched.signal) : undefined) ?? report
    },
    inspect: (workspace, signal) => reading((operator) => operator.inspect(workspace, signal)),
    history: (query, signal) => reading((operator) => operator.history(query, signal)),
    archive: async function* (workspaces, watched) {
      const { store, close } = await openForReading(directory)
      try {
        yield* operatorOf(store).archive(workspaces, watched)
      } finally {
        await close()
      }
    },
    import: (path, choice, watched) => writing((operator) => operator.import(path, choice, watched)),
    remove: (removal, workspace) => writing((operator) => operator.remove(removal, workspace)),
  }
}

/** For a store that no rooms are on. */
function removeFrom(store: EventStore): Remover {
  return (removal, workspace) => {
    if (removal === 'delete') return store.tombstone(workspace)
    return removal === 'undelete' ? store.undelete(workspace) : store.purge(workspace)
  }
}

/** For a store that a server's rooms are on: whoever is in one is told. */
export function removeThrough(workspaces: Workspaces, store: EventStore): Remover {
  const remove = removeFrom(store)
  return (removal, name) => {
    const workspace = parseWorkspaceName(name)
    // What no client can name has no room.
    return workspace === undefined ? remove(removal, name) : workspaces[removal](workspace)
  }
}

function importOptions({ workspaces, as }: ImportChoice, watched: Watched) {
  return { ...watched, ...(workspaces && { workspaces }), ...(as !== undefined && { rename: () => as }) }
}
