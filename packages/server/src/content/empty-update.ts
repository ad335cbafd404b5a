import { encodeSyncStep1, encodeSyncStep2 } from '@joinery/protocol'

/** Yjs V1's encodings of nothing, and the frames that carry them: most workspaces somebody opens are new. */
export const EMPTY_STATE_VECTOR = Uint8Array.of(0)
export const EMPTY_UPDATE = Uint8Array.of(0, 0)
export const EMPTY_STEP1 = encodeSyncStep1(EMPTY_STATE_VECTOR)
export const EMPTY_STEP2 = encodeSyncStep2(EMPTY_UPDATE)

/** What every client with nothing to say answers to SyncStep1: it must not cost a document. */
export function isEmptyUpdate(update: Uint8Array): boolean {
  return update.length === 2 && update[0] === 0 && update[1] === 0
}

export function isEmptyStateVector(stateVector: Uint8Array): boolean {
  return stateVector.length === 1 && stateVector[0] === 0
}
