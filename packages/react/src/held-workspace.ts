import { connectWorkspace, type Workspace, type WorkspaceOptions } from '@joinery/client'

/**
 * One open workspace, held for a component that React may unmount and mount again in the same task, as StrictMode does. A
 * released workspace closes after the current task; a component that acquires it before then gets it still open.
 */
export class HeldWorkspace {
  readonly #connect: (options: WorkspaceOptions) => Workspace
  #held: { readonly key: string; readonly workspace: Workspace } | undefined
  #shown: Workspace | undefined
  #closing: ReturnType<typeof setTimeout> | undefined

  constructor(connect: (options: WorkspaceOptions) => Workspace = connectWorkspace) {
    this.#connect = connect
  }

  /** The workspace that was acquired last. It may be closed already: a tree that React hides keeps its workspace. */
  readonly get = (): Workspace | undefined => this.#shown

  /** Returns the workspace of `options`, which it opens unless it is open. `key` identifies the workspace. */
  acquire(key: string, options: WorkspaceOptions): Workspace {
    clearTimeout(this.#closing)
    this.#closing = undefined
    if (this.#held?.key !== key) {
      this.#close()
      this.#held = { key, workspace: this.#connect(options) }
    }
    this.#shown = this.#held.workspace
    return this.#shown
  }

  /** Connects again if the server refused the last connection. */
  retryRefused(): void {
    const status = this.#held?.workspace.saveStatus.get()
    if (status?.state === 'rejected' && status.what === 'connection') this.#held?.workspace.reconnect()
  }

  /** Closes the workspace after the current task, unless it is acquired again before then. */
  release(): void {
    this.#closing = setTimeout(() => this.#close(), 0)
  }

  #close(): void {
    const held = this.#held
    this.#held = undefined
    // `close` does not reject for failures that an application could handle: those go to the workspace's `onError`.
    void held?.workspace.close()
  }
}
