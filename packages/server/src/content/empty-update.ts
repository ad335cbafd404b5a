import { encodeSyncStep1, encodeSyncStep2 } from '@joinery/protocol'

/**
 * Yjs V1's encodings of nothing, and the frames that carry them. Ready-made, since most workspaces that are opened are
 * new.
 */
export const EMPTY_STATE_VECTOR = Uint8Array.of(0)
export const EMPTY_UPDATE = Uint8Array.of(0, 0)
export const EMPTY_STEP1 = encodeSyncStep1(EMPTY_STATE_VECTOR)
export const EMPTY_STEP2 = encodeSyncStep2(EMPTY_UPDATE)

/**
 * Whether an update is empty. Every client without edits answers SyncStep1 so, which must not make a room build its
 * document.
 */
export function isEmptyUpdate(update: Uint8Array): boolean {
  return update.length === 2 && update[0] === 0 && update[1] === 0
}

export function isEmptyStateVector(stateVector: Uint8Array): boolean {
  return stateVector.length === 1 && stateVector[0] === 0
}
