import { inspectDirectory } from '../disk/data-directory.ts'
import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { ReadingCopy } from './reading-copy.ts'

/**
 * How often a directory may change while it is copied. By then the process that wrote to it is gone or holds the lock.
 */
const ATTEMPTS_MAX = 5

/** A store that reads a directory and changes no byte of it. */
export interface ReadingStore {
  readonly store: EventStore
  close(): Promise<void>
}

/**
 * Opens a log for reading only: nothing in the directory changes, and no other process can open it meanwhile. If this
 * process has the directory open, use that store instead. Throws `locked`, `unreadable` (also when there is no log),
 * `corrupted` or `foreign_directory`.
 */
export async function openForReading(directory: string): Promise<ReadingStore> {
  await assertIsLog(directory)
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const copy = await ReadingCopy.make(directory)
    try {
      const store = await openLevelStore({ directory: copy.directory, original: directory, durability: 'async' })
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

/** Throws `unreadable` if there is no log: an empty directory must not be made a store here. */
export async function assertIsLog(directory: string): Promise<void> {
  const found = await inspectDirectory(directory)
  if (found.state === 'new') throw new LogError('unreadable', `${directory} holds no log`)
}

/** Errors name the original directory: callers do not know the copy. */
function inWordsOf(directory: string, copy: string, error: LogError): LogError {
  return new LogError(error.code, error.message.replaceAll(copy, directory), { cause: error })
}
