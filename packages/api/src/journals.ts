import type { Workspaces } from '@joinery/server'
import { Journal } from './journal.ts'
import type { WorkspaceId } from './workspace-name.ts'

/** The journals of the workspaces in use. Each keeps its workspace's room open until it has not been used for `idleMs`. */
export class Journals {
  readonly #workspaces: Workspaces
  readonly #options: { readonly keysMax: number; readonly idleMs: number }
  readonly #journals = new Map<WorkspaceId, Promise<Journal>>()
  /** Those of {@link #journals} that are open. */
  readonly #open = new Map<WorkspaceId, Journal>()
  readonly #sweeper: NodeJS.Timeout

  constructor(workspaces: Workspaces, options: { readonly keysMax: number; readonly idleMs: number }) {
    this.#workspaces = workspaces
    this.#options = options
    this.#sweeper = setInterval(() => this.#closeIdle(), options.idleMs)
    this.#sweeper.unref()
  }

  async use(workspace: WorkspaceId): Promise<Journal> {
    const known = this.#journals.get(workspace)
    const opened = known ?? Journal.open(this.#workspaces, workspace, this.#options.keysMax)
    if (known === undefined) {
      this.#journals.set(workspace, opened)
      opened.then(
        (journal) => this.#open.set(workspace, journal),
        // A failed opening is for the next request to try again.
        () => this.#journals.delete(workspace),
      )
    }
    const journal = await opened
    journal.lastUsedMs = performance.now()
    return journal
  }

  /** Forgets a journal that has lost its room; not the one that has taken its place meanwhile. */
  drop(journal: Journal): void {
    journal.close()
    if (this.#open.get(journal.workspace) !== journal) return
    this.#open.delete(journal.workspace)
    this.#journals.delete(journal.workspace)
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const result of await Promise.allSettled(this.#journals.values())) {
      if (result.status === 'fulfilled') result.value.close()
    }
    this.#journals.clear()
    this.#open.clear()
  }

  #closeIdle(): void {
    const beforeMs = performance.now() - this.#options.idleMs
    for (const journal of [...this.#open.values()]) if (journal.lastUsedMs < beforeMs) this.drop(journal)
  }
}
