import type { DirectoryReport, StoreInspection } from '@joinery/log/operations'

export interface Watched {
  /** How far something is that takes its time. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/**
 * What can be asked of a data directory, whether a server has it open or not: the commands know this, and not which of
 * the two they talk to. Rejections are `LogError`s.
 */
export interface Operator {
  verify(watched: Watched): Promise<DirectoryReport>
  inspect(workspace: string | undefined, signal: AbortSignal): Promise<StoreInspection>
  close(): Promise<void>
}
