import { type CommentThread, commentThreads, observeBlocks } from '@joinery/blocks'
import { blockIdsOf, documentStore, type Observable, type Workspace } from '@joinery/client'

/** The threads on one block. */
export interface BlockThreads {
  readonly block: string
  readonly threads: readonly CommentThread[]
}

const stores = new WeakMap<Workspace, Observable<readonly BlockThreads[]>>()

/** The threads of all blocks that have some, in the order of the blocks. The same list until a comment changes. */
export function allThreadsOf(workspace: Workspace): Observable<readonly BlockThreads[]> {
  let store = stores.get(workspace)
  if (store === undefined) {
    const order = blockIdsOf(workspace)
    store = documentStore<readonly BlockThreads[]>(
      workspace,
      [],
      (doc, onChange) => {
        const unfollow = order.subscribe(onChange)
        const unobserve = observeBlocks(doc, ({ changed }) => {
          if (changed.some(({ parts }) => parts.has('fields'))) onChange()
        })
        return () => {
          unobserve()
          unfollow()
        }
      },
      (_doc, last) => {
        const all = order.get().flatMap((id) => {
          const block = workspace.blocks.get(id)
          const threads = block === undefined ? [] : commentThreads(block)
          return threads.length === 0 ? [] : { block: id, threads }
        })
        const isSame = all.length === last.length && all.every((it, at) => isSameThreads(it, last[at]))
        return isSame ? last : all
      },
    )
    stores.set(workspace, store)
  }
  return store
}

function isSameThreads(one: BlockThreads, other: BlockThreads | undefined): boolean {
  return one.block === other?.block && one.threads === other.threads
}

/** Open threads whose last word is not this person's, and that address them. */
export function waitingFor(all: readonly BlockThreads[], names: readonly string[]): number {
  const isMine = (name: string): boolean => names.includes(name)
  return all
    .flatMap(({ threads }) => threads)
    .filter(
      ({ comments, resolved }) =>
        resolved === undefined &&
        !isMine(comments.at(-1)?.actor ?? '') &&
        comments.some(({ mentions }) => mentions.some(isMine)),
    ).length
}
