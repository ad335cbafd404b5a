import { type AdoptingLog, isSystemLog, LogError, type SteadyClock } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Ownership } from '@joinery/server'
import { AwayLog } from './away-log.ts'

/** Pause between two looks at whether the owners can be found out again, ms. */
const LOOK_MS = 250
/** Workspaces whose owners are found out at the same time, once one could be. */
const TOGETHER = 32

export interface AwayLogsOptions {
  readonly ownership: Ownership
  readonly clock: SteadyClock
  readonly isAwaited: boolean
  /** Opens this node's copy. */
  readonly open: (workspace: string) => Promise<AdoptingLog>
}

/** Logs that are open for reading only while this node can't find out who owns their workspaces. */
export class AwayLogs {
  readonly #options: AwayLogsOptions
  readonly #logs = new Map<string, AwayLog>()
  #cancel: (() => void) | undefined

  constructor(options: AwayLogsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#logs.size
  }

  /** Opens a log. Resolves with undefined if this node has nothing of it. Rejects with the store's error. */
  async open(workspace: string): Promise<AwayLog | undefined> {
    if (isSystemLog(workspace)) return undefined
    const copy = await this.#options.open(workspace)
    if (copy.generation === undefined) {
      await copy.close()
      return undefined
    }
    const reason =
      'this node reaches no other machine now, and shows its own copy, which may be behind: edits wait with their clients'
    const away = new LogError('no_quorum', reason, { workspace })
    const log: AwayLog = new AwayLog(copy, away, this.#options.isAwaited, () => {
      if (this.#logs.get(workspace) === log) this.#logs.delete(workspace)
    })
    this.#logs.set(workspace, log)
    this.#lookLater()
    return log
  }

  /** Fences and closes a log, so that the workspace can be opened as its owner. */
  async end(workspace: string): Promise<void> {
    const log = this.#logs.get(workspace)
    log?.end(new LogError('fenced', `the owner of workspace ${workspace} can be found out again`, { workspace }))
    await log?.close()
  }

  /** Looks at nothing any more. */
  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #lookLater(): void {
    this.#cancel ??= this.#options.clock.after(LOOK_MS, () => {
      void this.#look().finally(() => {
        if (this.#cancel === undefined) return
        this.#cancel = undefined
        if (this.#logs.size > 0) this.#lookLater()
      })
    })
  }

  /** Ends the logs whose owners can be found out. An engine that does not answer for one of them answers for none. */
  async #look(): Promise<void> {
    const [first, ...others] = this.#logs.keys()
    if (first === undefined || !(await this.#endKnown(first))) return
    for (let at = 0; at < others.length; at += TOGETHER) {
      await Promise.all(others.slice(at, at + TOGETHER).map((workspace) => this.#endKnown(workspace)))
    }
  }

  /** Ends a log if its owner can be found out. */
  async #endKnown(workspace: string): Promise<boolean> {
    const claim = await this.#options.ownership.claim(workspace as WorkspaceId).catch(() => undefined)
    if (claim === undefined) return false
    await this.end(workspace)
    // The next client of it claims it anew.
    if ('held' in claim) await claim.held.release().catch(() => undefined)
    return true
  }
}
