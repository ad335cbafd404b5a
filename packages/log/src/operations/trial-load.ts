import type { Lsn } from '../lsn.ts'
import { isSystemLog } from '../system-log.ts'

/**
 * Loads a workspace as a trial, and discards it. Both methods throw when it can't be loaded: a `LogError` `not_loadable` whose `lsn`
 * is the first that a part that can be loaded has to end before, or any other error for the update added last.
 */
export interface TrialLoad {
  /** One Yjs V1 update: a record, or the state of a snapshot, and its LSN. They come oldest first. */
  add(update: Uint8Array, lsn: Lsn): void
  finish(): void
}

export interface TrialOptions {
  /** Begins to load a workspace. Its updates are those of its document. */
  readonly load?: (workspace: string) => TrialLoad
  /** Begins to read a system log (`!…`), whose updates are whatever the part of the server that keeps it writes. */
  readonly loadSystemLog?: (name: string) => TrialLoad
}

/** Begins the trial of one workspace or system log; undefined where none is wanted. */
export function trialOf({ load, loadSystemLog }: TrialOptions, name: string): (() => TrialLoad) | undefined {
  const begin = isSystemLog(name) ? loadSystemLog : load
  return begin === undefined ? undefined : () => begin(name)
}
