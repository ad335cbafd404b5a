import type { Receipt } from '@joinery/log'
import type { Json, TaskSubject } from '@joinery/protocol'
import type { Kept, TaskView } from './task.ts'

/** A record of the document that a commit has made. */
export interface DocumentRecord {
  readonly lsn: number
  /** Ids of the blocks that it has changed. */
  readonly blocks: readonly string[]
}

/** The findings of a commit, besides its operations. */
export interface CommitOutcome {
  /** Blocks that were not deleted, since somebody else has changed them. */
  readonly kept: readonly Kept[]
  /** Blocks of the task that somebody else had changed before this commit wrote to them. */
  readonly touched: readonly Kept[]
}

/** A task's knowledge of its own writes to a document. */
export interface OwnWrites {
  /** Whether the record of this LSN was written by the task. */
  isOwn(lsn: number): boolean
  /** Blocks of which it is known that somebody else has changed them. */
  readonly touched: readonly Kept[]
}

/** A change of a workspace's document that belongs to an event of a task: both are there after a crash, or none. */
export interface Commit extends OwnWrites {
  readonly task: string
  /** Name of its saga. */
  readonly saga: string
  /** Made once for each key. */
  readonly key: string
  /** Operations of a transaction. The package does not look at them. */
  readonly operations?: readonly Json[]
  /** Ids of blocks to delete unless somebody else has changed them. */
  readonly removeIfUntouched?: readonly string[]
  /** Throws if the event may not happen any more. Called in the turn of the change, before anything is changed. */
  check(): void
  /** The task as it will be shown, after the event. Called in the turn of the change. */
  show(outcome: CommitOutcome): TaskView
  /** Appends the event to the journal. Called in the turn of the change, right after its record, if it has one. */
  beside(record: DocumentRecord | undefined, outcome: CommitOutcome): Pick<Receipt, 'durable'>
}

/** The documents of workspaces, for tasks. Another package implements it: this one knows no block. */
export interface Documents {
  /**
   * Makes the change, as durable as a result must be (fsynced). Rejects with `unavailable` (`DocumentError`) when the document
   * can't take part: it is damaged, deleted or not there. Rejects with `refused` when the operations can't be made; nothing
   * has happened then.
   */
  commit(workspace: string, commit: Commit): Promise<void>
  /** Shows a task where its document is loaded, or can be. Called for events that belong to no other change. */
  show(workspace: string, task: TaskView): Promise<void>
  /** Shows that a request for a task (`Tasks.ask`) was refused for good. */
  refuse?(workspace: string, request: RefusedRequest): Promise<void>
}

/** A request for a task that can't be met. */
export interface RefusedRequest {
  readonly saga: string
  readonly subject: TaskSubject
  /** Tells people the cause. */
  readonly reason: string
}

/** Thrown by {@link Documents.commit}. */
export class DocumentError extends Error {
  override name = 'DocumentError'
  readonly code: 'unavailable' | 'refused'
  constructor(code: 'unavailable' | 'refused', message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
