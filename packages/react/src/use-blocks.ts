import { blockIdsOf } from '@joinery/client'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** The ids of all blocks, in code unit order. Renders again when a block comes or goes, not when one changes. */
export function useBlocks(): readonly string[] {
  return useObservable(blockIdsOf(useWorkspace()))
}
