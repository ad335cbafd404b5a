/** Loads a workspace as a trial, and discards it. Both methods throw when it can't be loaded. */
export interface TrialLoad {
  /** One Yjs V1 update; they come oldest first. */
  add(update: Uint8Array): void
  finish(): void
}
