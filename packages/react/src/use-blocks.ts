import { blockIdsOf } from '@joinery/client'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/**
 * The ids of all blocks in their order, which `moveBlock` of `@joinery/client` changes. Renders again when a block is created,
 * deleted or moved, not when one is edited.
 */
export function useBlocks(): readonly string[] {
  return useObservable(blockIdsOf(useWorkspace()))
}
