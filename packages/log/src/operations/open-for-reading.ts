import { inspectDirectory } from '../disk/data-directory.ts'
import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { ReadingCopy } from './reading-copy.ts'

/** How often a directory may change under the copying hand: whoever wrote to it is gone by then, or has it locked. */
const ATTEMPTS_MAX = 5

/** A store that reads a directory and leaves every byte of it as it is. */
export interface ReadingStore {
  readonly store: EventStore
  close(): Promise<void>
}

/**
 * Opens a log to read it only: nothing in the directory changes, and no other process can open it meanwhile. For a
 * directory that this process has open, use the store that has it. Throws `locked`, `unreadable` (also when no log is
 * there), `corrupted` or `foreign_directory`.
 */
export async function openForReading(directory: string): Promise<ReadingStore> {
  await assertIsLog(directory)
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const copy = await ReadingCopy.make(directory)
    try {
      const store = await openLevelStore({ directory: copy.directory, durability: 'async' })
      if (await copy.isCurrent()) {
        return {
          store,
          close: async () => {
            try {
              await store.close()
            } finally {
              await copy.remove()
            }
          },
        }
      }
      await store.close()
    } catch (error) {
      await copy.remove()
      throw error instanceof LogError ? inWordsOf(directory, copy.directory, error) : error
    }
    await copy.remove()
  }
  throw new LogError('locked', `${directory} is being written to by another process`)
}

/** Throws `unreadable` if nothing is there: what makes a store of an empty directory must not run on it. */
export async function assertIsLog(directory: string): Promise<void> {
  const found = await inspectDirectory(directory)
  if (found.state === 'new') throw new LogError('unreadable', `${directory} holds no log`)
}

/** The copy is nobody's business: what is wrong is wrong with the original. */
function inWordsOf(directory: string, copy: string, error: LogError): LogError {
  return new LogError(error.code, error.message.replaceAll(copy, directory), { cause: error })
}
