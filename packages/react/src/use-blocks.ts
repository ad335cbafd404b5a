import { blocksMap } from '@joinery/blocks'
import type { Observable, Workspace } from '@joinery/client'
import { followDoc } from './follow-doc.ts'
import { isSameList } from './same-list.ts'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

/** The ids of all blocks, in code unit order. Renders again when a block comes or goes, not when one changes. */
export function useBlocks(): readonly string[] {
  return useObservable(blockIdsOf(useWorkspace()))
}

const stores = new WeakMap<Workspace, Observable<readonly string[]>>()

function blockIdsOf(workspace: Workspace): Observable<readonly string[]> {
  const known = stores.get(workspace)
  if (known !== undefined) return known
  let last: readonly string[] = []
  const store: Observable<readonly string[]> = {
    get: () => {
      const ids = workspace.blocks.list().map((block) => block.id)
      if (!isSameList(ids, last)) last = ids
      return last
    },
    subscribe: (listener) =>
      followDoc(
        workspace,
        (doc) => {
          const blocks = blocksMap(doc)
          const onChange = (): void => listener()
          blocks.observe(onChange)
          return () => blocks.unobserve(onChange)
        },
        listener,
      ),
  }
  stores.set(workspace, store)
  return store
}
