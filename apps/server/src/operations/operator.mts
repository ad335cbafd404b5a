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

export interface Watched {
  /** How far something is that takes its time. */
  readonly onProgress?: (done: number, total: number) => void
  /** The same where nobody knows how much there will be: an archive on its way from a server. */
  readonly onBytes?: (bytes: number) => void
  readonly signal?: AbortSignal
}

/** What to put into an archive: these workspaces, or all, or what is intact of a damaged one. */
export type ArchiveChoice = { readonly workspaces?: readonly string[] | undefined } | { readonly intactPartOf: string }

/** What to take from an archive. */
export interface ImportChoice {
  /** Only these; otherwise all. */
  readonly workspaces?: readonly string[]
  /** The name that the only one taken gets. */
  readonly as?: string
}

/** What compaction did to one workspace. */
export interface Compaction {
  readonly workspace: string
  /** Records that were dropped, and the first that is left. */
  readonly dropped: number
  readonly firstLsn: number
  /** Records that were packed into segments, and their bytes before and after. */
  readonly sealed: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Why it was left as it was. */
  readonly error?: string
}

/** What is damaged of a workspace and what a repair does; with `remains` it was done. */
export type RepairOutcome = RepairSurvey | Repaired

export type Removal = 'delete' | 'undelete' | 'purge'

/**
 * What can be asked of a data directory, whether a server has it open or not: the commands know this, and not which of
 * the two they talk to. Rejections are `LogError`s.
 */
export interface Operator {
  verify(watched: Watched): Promise<DirectoryReport>
  inspect(workspace: string | undefined, signal: AbortSignal): Promise<StoreInspection>
  history(query: HistoryQuery, signal: AbortSignal): Promise<HistoryRow[]>
  /** One archive as of now. */
  archive(choice: ArchiveChoice, watched: Watched): AsyncIterable<Uint8Array>
  /** Takes workspaces from the archive in the file at `path`. */
  import(path: string, choice: ImportChoice, watched: Watched): Promise<Imported>
  remove(removal: Removal, workspace: string): Promise<void>
  /** Makes the last good state of a damaged workspace its end if `isMeant`; otherwise, and where nothing is damaged, only looks. */
  repair(workspace: string, isMeant: boolean, watched: Watched): Promise<RepairOutcome>
  /** Drops what `keepHistory` lets go and packs what is left, of one workspace or of all. */
  compact(keepHistory: KeepHistory, workspace: string | undefined, watched: Watched): Promise<Compaction[]>
}
