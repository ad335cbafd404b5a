import { isSystemLog } from '../system-log.ts'

/** Loads a workspace as a trial, and discards it. Both methods throw when it can't be loaded. */
export interface TrialLoad {
  /** One Yjs V1 update; they come oldest first. */
  add(update: Uint8Array): void
  finish(): void
}

/** Begins the trial of one workspace; undefined where none is wanted, and for a system log, which holds no document. */
export function trialOf(
  load: ((workspace: string) => TrialLoad) | undefined,
  workspace: string,
): (() => TrialLoad) | undefined {
  return load === undefined || isSystemLog(workspace) ? undefined : () => load(workspace)
}
