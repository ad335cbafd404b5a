import type { WorkspaceId } from '@joinery/protocol'

/** The fate of a whole workspace: it was deleted, undeleted or purged, or another history was put in its place. */
export type WorkspaceFate = 'deleted' | 'undeleted' | 'purging' | 'purged' | 'replaced'

/** Hears of the fate of a whole workspace. The caller of the method is answered once its promise has resolved. */
export type FateListener = (workspace: WorkspaceId, fate: WorkspaceFate) => void | Promise<void>

/** Removes what is kept of a workspace outside the log. */
export type Remover = (workspace: WorkspaceId) => Promise<void>

/** The listeners to the fates of workspaces, and the removers of what is kept of them elsewhere. */
export class WorkspaceFates {
  readonly #listeners = new Set<FateListener>()
  readonly #removers = new Set<Remover>()

  listen(listener: FateListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  removeBeside(remove: Remover): () => void {
    this.#removers.add(remove)
    return () => void this.#removers.delete(remove)
  }

  /** Resolves when all listeners have heard. */
  async tell(workspace: WorkspaceId, fate: WorkspaceFate): Promise<void> {
    for (const listener of this.#listeners) await listener(workspace, fate)
  }

  /** Resolves when all that is kept elsewhere is removed. */
  async remove(workspace: WorkspaceId): Promise<void> {
    for (const remove of this.#removers) await remove(workspace)
  }
}
