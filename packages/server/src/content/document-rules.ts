import type { RejectionCode } from '@joinery/protocol'
import type * as Y from 'yjs'

/** Who writes through a connection, as its token (or development mode) says. */
export interface Writer {
  readonly actor: string
  /** The class of writer that this connection's records are stamped with. */
  readonly source: string
  /** Every class it may speak for; undefined in development mode, where any will do. */
  readonly sources: readonly string[] | undefined
  /** False only in development mode: claims may then name any actor. */
  readonly isAuthenticated: boolean
  /** What it sends may be what others wrote and this server has lost, so that it says nothing about who wrote it. */
  readonly mayRelay?: boolean
}

/** Why an update may not be applied. */
export interface Refusal {
  readonly code: RejectionCode
  /** What is wrong and what to do, for the person who reads the client's log. */
  readonly reason: string
}

/** A value that people are shown and that is another now; `undefined` on the side where there is none. JSON otherwise. */
export interface ShownChange {
  readonly block: string
  readonly field: string
  readonly before: unknown
  readonly after: unknown
}

/** A claim that stands beaten by a concurrent one. */
export interface LostConflict {
  readonly block: string
  readonly field: string
  readonly winner: unknown
  readonly loser: unknown
  /** The rule that decided, in words. */
  readonly rule: string
}

/** What one transaction did to what people are shown. */
export interface Observed {
  readonly changes: readonly ShownChange[]
  readonly conflicts: readonly LostConflict[]
}

/**
 * What a document means, seen from a server that knows no block. The rooms call these on every update;
 * `packages/blocks` brings the ones of Joinery's documents, the default allows everything.
 */
export interface DocumentRules {
  /** Looks at one Yjs V1 update before it is applied to `doc`; a refusal means that nothing of it is. Must not change `doc`. */
  inspect(doc: Y.Doc, update: Uint8Array, writer: Writer): Refusal | undefined
  /**
   * What of `answer`, a client's answer to SyncStep1, is to be inspected and applied: a client answers with all that it has
   * and the server lacks, whoever wrote it, and some of that only its writer may bring. Must not change `doc`.
   */
  withhold(doc: Y.Doc, answer: Uint8Array, writer: Writer): Uint8Array
  /** Called at load with each record that was not brought for others, before it is applied: `actor` wrote it. */
  recordAuthor(doc: Y.Doc, update: Uint8Array, actor: string): void
  /** What {@link recordAuthor} has learnt of `doc`, to be kept beside a snapshot of it. */
  encodeAuthors(doc: Y.Doc): Uint8Array
  /** Called at load, in place of the records that a snapshot covers, on a document nobody has written to. Throws on other bytes. */
  restoreAuthors(doc: Y.Doc, authors: Uint8Array): void
  /** After one connection's updates of a tick were applied as `transaction`: which `block/field` paths they touched, for the log. */
  touched(transaction: Y.Transaction): string[]
  /** Calls `listener` after each transaction that changed what people are shown. Must not write. Returns unsubscribe. */
  observe(doc: Y.Doc, listener: (observed: Observed) => void): () => void
  /** Deletes what writers that are gone left beaten where `touched` says, in at most one transaction. Shows nothing new. */
  prune(doc: Y.Doc, touched: readonly string[]): void
}

/** Any Yjs document, nothing refused, nothing described. */
export const openRules: DocumentRules = {
  inspect: () => undefined,
  withhold: (_doc, answer) => answer,
  recordAuthor: () => undefined,
  encodeAuthors: () => new Uint8Array(),
  restoreAuthors: () => undefined,
  touched: () => [],
  observe: () => () => undefined,
  prune: () => undefined,
}
