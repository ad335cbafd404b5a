import { type ClaimList, undoScope } from '@joinery/blocks'
import * as Y from 'yjs'
import { isShallowEqual, type Observable, ObservableValue } from './observable-value.ts'

/** Origin of `workspace.transact`. */
export const EDIT_ORIGIN: unique symbol = Symbol('joinery edit')

export interface UndoState {
  readonly canUndo: boolean
  readonly canRedo: boolean
}

const NOTHING: UndoState = { canUndo: false, canRedo: false }

/**
 * Takes back this person's own edits of texts, fields, blocks and edges; never a status. Edits within half a second are one
 * step. A replaced document empties the history: its edits are gone.
 */
export class UndoHistory {
  #manager: Y.UndoManager | undefined
  readonly #lists: readonly ClaimList[]
  readonly #origins = new Set<unknown>([null, EDIT_ORIGIN])
  readonly #state = new ObservableValue<UndoState>(NOTHING, isShallowEqual)

  /** `lists` are the lists of claims that blocks have. */
  constructor(lists: readonly ClaimList[]) {
    this.#lists = lists
  }

  get state(): Observable<UndoState> {
    return this.#state
  }

  /** Takes back the last step. Returns false when there is none. */
  undo(): boolean {
    return this.#manager?.undo() != null
  }

  redo(): boolean {
    return this.#manager?.redo() != null
  }

  /** Ends the current step: the next edit begins a new one. */
  split(): void {
    this.#manager?.stopCapturing()
  }

  clear(): void {
    this.#manager?.clear()
  }

  /**
   * Lets undo take back transactions of `origin`, too. If `origin` is a class, its instances count as well: editor bindings use
   * themselves as origin. Returns the function that ends it.
   */
  trackOrigin(origin: unknown): () => void {
    this.#origins.add(origin)
    this.#manager?.addTrackedOrigin(origin)
    return () => {
      this.#origins.delete(origin)
      this.#manager?.removeTrackedOrigin(origin)
    }
  }

  /** Starts an empty history for `doc`. */
  attach(doc: Y.Doc): void {
    this.detach()
    const { scope, options } = undoScope(doc, this.#origins, this.#lists)
    const manager = new Y.UndoManager(scope, options)
    manager.on('stack-item-added', () => this.#refresh(manager))
    manager.on('stack-item-popped', () => this.#refresh(manager))
    manager.on('stack-cleared', () => this.#refresh(manager))
    this.#manager = manager
    this.#refresh(manager)
  }

  detach(): void {
    this.#manager?.destroy()
    this.#manager = undefined
    this.#state.set(NOTHING)
  }

  #refresh(manager: Y.UndoManager): void {
    this.#state.set({ canUndo: manager.canUndo(), canRedo: manager.canRedo() })
  }
}
