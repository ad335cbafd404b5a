import type { KeepHistory } from '@joinery/log'
import type {
  DirectoryReport,
  HistoryQuery,
  HistoryRow,
  Imported,
  Repaired,
  RepairSurvey,
  StoreInspection,
} from '@joinery/log/operations'
import type { DeliveryView } from '@joinery/resources'
import type { DamagedJournal, TaskView } from '@joinery/tasks'
import type { DeliveryAsk, FailedDeliveries } from './store-deliveries.mts'
import type { HookAsk, HookRow, HookView } from './store-hooks.mts'
import type { LeaseRow } from './store-leases.mts'
import type { TaskAsk, TaskRow } from './store-tasks.mts'

export interface Watched {
  /** Called with the progress of a long operation. */
  readonly onProgress?: (done: number, total: number) => void
  /** Called with the bytes so far if the total is unknown: for an archive that comes from a server. */
  readonly onBytes?: (bytes: number) => void
  readonly signal?: AbortSignal
}

/** Content of an archive to write: these workspaces, all of them, or the intact part of a damaged one. */
export type ArchiveChoice = { readonly workspaces?: readonly string[] | undefined } | { readonly intactPartOf: string }

/** Workspaces to take from an archive. */
export interface ImportChoice {
  /** Names of the workspaces to take; all when absent. */
  readonly workspaces?: readonly string[]
  /** New name, if only one workspace is taken. */
  readonly as?: string
}

/** Result of compacting one workspace. */
export interface Compaction {
  readonly workspace: string
  /** Number of dropped records. */
  readonly dropped: number
  /** LSN of the first record that is left. */
  readonly firstLsn: number
  /** Number of records that were packed into segments; their bytes before and after follow. */
  readonly sealed: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Reason for which the workspace was left as it was. */
  readonly error?: string
}

/** Damage of a workspace and what a repair keeps and drops. With `remains`, the repair was done. */
export type RepairOutcome = RepairSurvey | Repaired

export type Removal = 'delete' | 'undelete' | 'purge'

/**
 * Operations on a data directory. Commands use this interface whether or not a server has the directory open. Rejections
 * are `LogError`s.
 */
export interface Operator {
  verify(watched: Watched): Promise<DirectoryReport>
  inspect(workspace: string | undefined, signal: AbortSignal): Promise<StoreInspection>
  history(query: HistoryQuery, signal: AbortSignal): Promise<HistoryRow[]>
  /** One archive of the present state. */
  archive(choice: ArchiveChoice, watched: Watched): AsyncIterable<Uint8Array>
  /** Takes workspaces from the archive in the file at `path`. */
  import(path: string, choice: ImportChoice, watched: Watched): Promise<Imported>
  remove(removal: Removal, workspace: string): Promise<void>
  /**
   * Looks at the damage of a workspace; if it is damaged and `isMeant`, repairs it: its last good state becomes its end.
   */
  repair(workspace: string, isMeant: boolean, watched: Watched): Promise<RepairOutcome>
  /**
   * Refuses the tokens of an actor that were issued before `sinceMs` (ms since epoch). Resolves with the number of
   * connections and streams that were ended.
   */
  revoke(actor: string, sinceMs: number): Promise<number>
  /** The leases of a workspace that stand, in byte order of their names. */
  leases(workspace: string): Promise<LeaseRow[]>
  /** Ends a lease of any holder. Resolves with the lease as it was; rejects with `invalid` while nobody holds it. */
  releaseLease(workspace: string, name: string): Promise<LeaseRow>
  /** The tasks of a workspace, the newest first. */
  tasks(workspace: string): Promise<TaskRow[]>
  /** The journals of tasks that can't be read, of all workspaces. */
  damagedJournals(): Promise<readonly DamagedJournal[]>
  /** One task. Rejects with `invalid` if there is none of this id. */
  task(workspace: string, task: string): Promise<TaskView>
  /** Asks something of a task. Rejects with `invalid` if its state does not allow it. */
  askTask(workspace: string, task: string, ask: TaskAsk): Promise<TaskView>
  /** Lets the tasks go on that wait since a restore or an import. Resolves with their number. */
  resumeTasks(workspace: string): Promise<number>
  /** The events of services that are known, the newest first. */
  hooks(): Promise<HookRow[]>
  /** One event, with its body while it may be handled. Rejects with `invalid` if there is none of this id. */
  hook(endpoint: string, id: string): Promise<HookView>
  /** Decides about a parked event. Rejects with `invalid` if it is not parked. */
  askHook(endpoint: string, id: string, ask: HookAsk): Promise<HookRow>
  /** The outbound webhooks that have failed. */
  deliveries(): Promise<FailedDeliveries>
  /** One delivery that has failed. Rejects with `invalid` if there is none of this id. */
  delivery(subscription: string, id: string): Promise<DeliveryView>
  /** Decides about a delivery that was given up. Rejects with `invalid` if it was not. */
  askDelivery(subscription: string, id: string, ask: DeliveryAsk): Promise<DeliveryView>
  /** Sends to a disabled endpoint again. Rejects with `invalid` if it is not disabled. */
  enableEndpoint(subscription: string): Promise<void>
  /** Drops the records that `keepHistory` does not keep and packs the rest, of one workspace or of all. */
  compact(keepHistory: KeepHistory, workspace: string | undefined, watched: Watched): Promise<Compaction[]>
}
