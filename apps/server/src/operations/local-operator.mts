import type { EventStore } from '@joinery/log'
import { inspectStore, openForReading, verifyDirectory, verifyOpenDirectory } from '@joinery/log/operations'
import type { Operator } from './operator.mts'
import { trialLoad } from './trial-load.mts'

/** Works on a store that this process has open, while it goes on serving. */
export function storeOperator(directory: string, store: EventStore): Operator {
  return {
    verify: (watched) => verifyOpenDirectory(directory, store, { ...watched, load: trialLoad }),
    inspect: (workspace, signal) => inspectStore(store, { ...(workspace !== undefined && { workspace }), signal }),
    close: () => Promise.resolve(),
  }
}

/** Works on a directory that nobody has open, and changes nothing in it. */
export function directoryOperator(directory: string): Operator {
  const reading = async <T,>(work: (operator: Operator) => Promise<T>): Promise<T> => {
    const { store, close } = await openForReading(directory)
    try {
      return await work(storeOperator(directory, store))
    } finally {
      await close()
    }
  }
  return {
    verify: (watched) => verifyDirectory(directory, { ...watched, load: trialLoad }),
    inspect: (workspace, signal) => reading((operator) => operator.inspect(workspace, signal)),
    close: () => Promise.resolve(),
  }
}
