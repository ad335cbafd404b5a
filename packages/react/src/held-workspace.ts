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

  /** What was acquired last, which may be closed since: a tree that React hides keeps what it shows. */
  readonly get = (): Workspace | undefined => this.#shown

  /** The workspace that `options` name, opened unless it is open. `key` tells workspaces apart. */
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

  /** Connects anew if the server refused the last connection. */
  retryRefused(): void {
    const status = this.#held?.workspace.saveStatus.get()
    if (status?.state === 'rejected' && status.what === 'connection') this.#held?.workspace.reconnect()
  }

  /** Closes the workspace after the current task, unless it is acquired again before. */
  release(): void {
    this.#closing = setTimeout(() => this.#close(), 0)
  }

  #close(): void {
    const held = this.#held
    this.#held = undefined
    // Never rejects for what an application could mend: it says so through the workspace's own `onError`.
    void held?.workspace.close()
  }
}
