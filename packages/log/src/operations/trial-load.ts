/** Builds a workspace from what it is made of, and throws it away again. Both throw when it can't be loaded. */
export interface TrialLoad {
  /** One Yjs V1 update; they come oldest first. */
  add(update: Uint8Array): void
  finish(): void
}
