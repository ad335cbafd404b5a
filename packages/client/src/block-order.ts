import { type ClaimAuthor, listBlocks, observeBlocks } from '@joinery/blocks'
import type * as Y from 'yjs'
import { documentStore } from './document-store.ts'
import type { Observable } from './observable-value.ts'
import { PLACE_FIELD, placeBetween } from './place.ts'
import { isSameList } from './same-list.ts'
import type { Workspace } from './workspace.ts'

interface Placed {
  readonly id: string
  readonly place: string
}

const stores = new WeakMap<Workspace, Observable<readonly string[]>>()

/**
 * The ids of all blocks in their order. Blocks are sorted by their field `place`, or by their id if they have no place, in code
 * unit order; blocks with the same place are sorted by id. The list is a new object when a block is created, deleted or moved,
 * and stays the same when one is edited.
 */
export function blockIdsOf(workspace: Workspace): Observable<readonly string[]> {
  let store = stores.get(workspace)
  if (store === undefined) {
    store = documentStore<readonly string[]>(
      workspace,
      [],
      (doc, onChange) =>
        observeBlocks(doc, ({ added, removed, changed }) => {
          const mayMove = changed.some(({ parts }) => parts.has('fields'))
          if (mayMove || added.length > 0 || removed.length > 0) onChange()
        }),
      (doc, last) => {
        const ids = placedBlocks(doc).map(({ id }) => id)
        return isSameList(ids, last) ? last : ids
      },
    )
    stores.set(workspace, store)
  }
  return store
}

/**
 * Moves block `id` by `steps` in the order of {@link blockIdsOf}: up if negative, at most to the first or last position. Undo
 * takes it back as one step. Writes the `place` of that block alone, between the places of its new neighbours. Returns the new
 * position, counted from 0, and the number of blocks; undefined when there is no such block.
 */
export function moveBlock(
  workspace: Workspace,
  id: string,
  steps: number,
  author: ClaimAuthor,
): { readonly at: number; readonly of: number } | undefined {
  const all = placedBlocks(workspace.doc)
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

/** Puts a new block behind all others. Its id alone is not enough: other blocks may have been moved behind that position. */
export function placeLast(workspace: Workspace, id: string, author: ClaimAuthor): void {
  const last = placedBlocks(workspace.doc).at(-1)
  if (last === undefined || last.id === id) return
  workspace.blocks.get(id)?.fields.set(PLACE_FIELD, placeBetween(last.place, undefined, Math.random), author)
}

function placedBlocks(doc: Y.Doc): Placed[] {
  return listBlocks(doc)
    .map(({ id, fields }) => {
      const place = fields.get(PLACE_FIELD)
      return { id, place: typeof place === 'string' ? place : id }
    })
    .sort((a, b) => compare(a.place, b.place) || compare(a.id, b.id))
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)
