import { type EventStore, isSystemLog, LogError, type WorkspaceLog, workspaceOfSystemLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'

/** Called before a system log is closed: what keeps it writes no more to it once this has resolved. */
export type Release = () => void | Promise<void>

interface Held {
  readonly log: WorkspaceLog
  readonly release: Release
}

/**
 * The system logs that programs inside the server keep open: their own records, under names that no workspace can have. Each
 * is open once. It is closed with the server, and when its workspace is purged.
 */
export class SystemLogs {
  readonly #store: EventStore
  readonly #held = new Map<string, Held>()

  constructor(store: EventStore) {
    this.#store = store
  }

  /**
   * Opens a system log, `!kind` or `!kind/workspace`, whether or not it or its workspace exists. Rejects with `invalid` for any
   * other name, and as `EventStore.open` does.
   */
  async open(name: string, release: Release): Promise<WorkspaceLog> {
    if (!isSystemLog(name)) {
      throw new LogError('invalid', `${name} is no system log: its name has to be !kind or !kind/workspace`)
    }
    const log = await this.#store.open(name)
    this.#held.set(name, { log, release })
    return log
  }

  /** Closes the open system logs of a workspace. */
  closeOf(workspace: WorkspaceId): Promise<void> {
    return this.#close((name) => workspaceOfSystemLog(name) === workspace)
  }

  /** Closes all system logs. */
  close(): Promise<void> {
    return this.#close(() => true)
  }

  async #close(isMeant: (name: string) => boolean): Promise<void> {
    for (const [name, { log, release }] of [...this.#held]) {
      if (!isMeant(name)) continue
      this.#held.delete(name)
      await release()
      await log.close()
    }
  }
}
