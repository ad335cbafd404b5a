import { blocksMap, listBlocks } from '@joinery/blocks'
import { documentStore } from './document-store.ts'
import type { Observable } from './observable-value.ts'
import { isSameList } from './same-list.ts'
import type { Workspace } from './workspace.ts'

const stores = new WeakMap<Workspace, Observable<readonly string[]>>()

/** The ids of all blocks, in code unit order: another list when a block comes or goes, not when one changes. */
export function blockIdsOf(workspace: Workspace): Observable<readonly string[]> {
  let store = stores.get(workspace)
  if (store === undefined) {
    store = documentStore<readonly string[]>(
      workspace,
      [],
      (doc, onChange) => {
        const blocks = blocksMap(doc)
        blocks.observe(onChange)
        return () => blocks.unobserve(onChange)
      },
      (doc, last) => {
        const ids = listBlocks(doc).map((block) => block.id)
        return isSameList(ids, last) ? last : ids
      },
    )
    stores.set(workspace, store)
  }
  return store
}
