import { type ClaimAuthor, observeBlocks } from '@joinery/blocks'
import type { Observable, Workspace } from '@joinery/client'
import { PLACE_FIELD, placeBetween } from './place.ts'

interface Placed {
  readonly id: string
  readonly place: string
}

/** The blocks in the order of their places, those in one place by id: the same on every page that holds the same fields. */
function placedBlocks(workspace: Workspace): Placed[] {
  return workspace.blocks
    .list()
    .map(({ id, fields }) => {
      const place = fields.get(PLACE_FIELD)
      return { id, place: typeof place === 'string' ? place : id }
    })
    .sort((a, b) => compare(a.place, b.place) || compare(a.id, b.id))
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

const stores = new WeakMap<Workspace, Observable<readonly string[]>>()

/** The ids of all blocks in their order. Tells of blocks that come, go and move, and of nothing else. */
export function blockOrderOf(workspace: Workspace): Observable<readonly string[]> {
  const known = stores.get(workspace)
  if (known !== undefined) return known
  let last: readonly string[] = []
  const store: Observable<readonly string[]> = {
    get: () => {
      const ids = placedBlocks(workspace).map(({ id }) => id)
      if (ids.length !== last.length || ids.some((id, at) => id !== last[at])) last = ids
      return last
    },
    subscribe: (listener) => {
      const follow = (): (() => void) =>
        observeBlocks(workspace.doc, ({ added, removed, changed }) => {
          const isMoved = changed.some(({ parts }) => parts.has('fields'))
          if (isMoved || added.length > 0 || removed.length > 0) listener()
        })
      let unfollow = follow()
      const stop = workspace.onReset(() => {
        unfollow()
        unfollow = follow()
        listener()
      })
      return () => {
        stop()
        unfollow()
      }
    },
  }
  stores.set(workspace, store)
  return store
}

/**
 * Moves a block by so many steps, as far as there are others to pass; undone as one step. Returns where it is then, from 0,
 * of how many; undefined when there is no such block.
 */
export function moveBlock(
  workspace: Workspace,
  id: string,
  steps: number,
  author: ClaimAuthor,
): { readonly at: number; readonly of: number } | undefined {
  const all = placedBlocks(workspace)
  const from = all.findIndex((block) => block.id === id)
  if (from === -1) return undefined
  const others = all.filter((block) => block.id !== id)
  const at = Math.min(Math.max(from + steps, 0), others.length)
  if (at !== from) {
    const place = placeBetween(others[at - 1]?.place, others[at]?.place, Math.random)
    workspace.undo.split()
    workspace.transact(() => workspace.blocks.get(id)?.fields.set(PLACE_FIELD, place, author))
    workspace.undo.split()
  }
  return { at, of: all.length }
}

/** How many steps lead block `id` to where block `target` stands; 0 when either is not there. */
export function stepsTo(workspace: Workspace, id: string, target: string): number {
  const [from, to] = [id, target].map((it) => blockOrderOf(workspace).get().indexOf(it))
  return from === undefined || to === undefined || from === -1 || to === -1 ? 0 : to - from
}

/** Puts a block that was just made behind all others: some may have been moved behind where its id says. */
export function placeLast(workspace: Workspace, id: string, author: ClaimAuthor): void {
  const last = placedBlocks(workspace).at(-1)
  if (last === undefined || last.id === id) return
  workspace.blocks.get(id)?.fields.set(PLACE_FIELD, placeBetween(last.place, undefined, Math.random), author)
}
