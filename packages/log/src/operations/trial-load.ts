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

/** Begins the trial of one workspace; undefined where none is wanted, and for a system log, which holds no document. */
export function trialOf(
  load: ((workspace: string) => TrialLoad) | undefined,
  workspace: string,
): (() => TrialLoad) | undefined {
  return load === undefined || isSystemLog(workspace) ? undefined : () => load(workspace)
}
