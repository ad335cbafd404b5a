import { Demonstration, type DemonstrationOptions, type DemonstrationView } from './demonstration.ts'
import { DemonstrationError } from './demonstration-error.ts'

/** On one machine at once: each is up to five processes. */
const RUNNING_MAX = 3
/** Workspaces whose last demonstration is remembered; then the oldest is forgotten. */
const REMEMBERED_MAX = 100

/** The demonstrations of one server: at most one in a workspace at a time. */
export class Demonstrations {
  readonly #byWorkspace = new Map<string, Demonstration>()
  #isClosed = false

  /** Starts one. Throws `already_running` where one runs, `too_many` when the machine has enough of them. */
  start(options: DemonstrationOptions): DemonstrationView {
    const running = [...this.#byWorkspace.values()].filter(({ isRunning }) => isRunning)
    if (running.some(({ options: { workspace } }) => workspace === options.workspace)) {
      throw new DemonstrationError('already_running', 'a demonstration is running in this workspace')
    }
    if (this.#isClosed || running.length >= RUNNING_MAX) {
      throw new DemonstrationError('too_many', 'too many demonstrations are running: wait for one to end')
    }
    const demonstration = new Demonstration(options)
    this.#byWorkspace.delete(options.workspace)
    this.#byWorkspace.set(options.workspace, demonstration)
    for (const [workspace, { isRunning }] of this.#byWorkspace) {
      if (this.#byWorkspace.size <= REMEMBERED_MAX) break
      if (!isRunning) this.#byWorkspace.delete(workspace)
    }
    return demonstration.view
  }

  /** The workspace's running or last demonstration. */
  of(workspace: string): DemonstrationView | undefined {
    return this.#byWorkspace.get(workspace)?.view
  }

  /** Ends the workspace's demonstration, if one runs. Resolves when its processes are gone. */
  async stop(workspace: string): Promise<void> {
    await this.#byWorkspace.get(workspace)?.stop()
  }

  /** Ends all of them, for good. Resolves when every process is gone. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#byWorkspace.values()].map((demonstration) => demonstration.stop()))
  }
}
