import type { Lsn } from '../lsn.ts'
import { isSystemLog } from '../system-log.ts'
import { TrialCutShort } from '../trial-cut-short.ts'
import { reasonOf } from './problem.ts'

/**
 * Loads a workspace as a trial, and discards it. Both methods throw or reject when it can't be loaded: a `LogError` `not_loadable` whose
 * `lsn` is the first that a part that can be loaded has to end before, or any other error for the update added last. With
 * {@link TrialCutShort} nothing is known about the workspace, and the operation rejects with it.
 */
export interface TrialLoad {
  /** One Yjs V1 update: a record, or the state of a snapshot, and its LSN. They come oldest first. Awaited before the next one. */
  add(update: Uint8Array, lsn: Lsn): void | Promise<void>
  finish(): void | Promise<void>
}

/** Loads one state by itself. Rejects as a {@link TrialLoad} does. */
export async function loadState(load: TrialLoad, state: Uint8Array, lsn: Lsn): Promise<void> {
  await load.add(state, lsn)
  await load.finish()
}

/** The reason for which something can't be loaded, by the error of its {@link TrialLoad}. Throws a {@link TrialCutShort}. */
export function whyNotLoaded(error: unknown): string {
  if (error instanceof TrialCutShort) throw error
  return reasonOf(error)
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
