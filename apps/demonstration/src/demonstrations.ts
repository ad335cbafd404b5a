import { Demonstration, type DemonstrationOptions, type DemonstrationView } from './demonstration.ts'
import { DemonstrationError } from './demonstration-error.ts'

/** Demonstrations that may run on one machine at once: each has up to five processes. */
const RUNNING_MAX = 3
/** Workspaces whose last demonstration is remembered; beyond that, the oldest is forgotten. */
const REMEMBERED_MAX = 100

/** Demonstrations of one server: at most one per workspace at a time. */
export class Demonstrations {
  readonly #byWorkspace = new Map<string, Demonstration>()
  #isClosed = false

  /** Starts a demonstration. Throws `already_running` if one runs in the workspace, `too_many` if {@link RUNNING_MAX} run. */
  start(options: DemonstrationOptions): DemonstrationView {
    const running = [...this.#byWorkspace.values()].filter(({ isRunning }) => isRunning)
    if (running.some(({ options: { workspace } }) => workspace === options.workspace)) {
      throw new DemonstrationError(
        'already_running',
        'a demonstration is running in this workspace: wait for its end, or stop it',
      )
    }
    if (this.#isClosed || running.length >= RUNNING_MAX) {
      throw new DemonstrationError(
        'too_many',
        `${RUNNING_MAX} demonstrations are running, and no more may at once: wait for one to end`,
      )
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

  /** Running or last demonstration of the workspace. */
  of(workspace: string): DemonstrationView | undefined {
    return this.#byWorkspace.get(workspace)?.view
  }

  /** Ends the workspace's demonstration, if one runs. Resolves when its processes are gone. */
  async stop(workspace: string): Promise<void> {
    await this.#byWorkspace.get(workspace)?.stop()
  }

  /** Ends all demonstrations and refuses new ones. Resolves when every process is gone. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#byWorkspace.values()].map((demonstration) => demonstration.stop()))
  }
}
