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
 * What documents mean, seen from a server that knows no block. A room opens its document with these rules when it loads it;
 * `packages/blocks` brings the rules of Joinery's documents, the default allows everything.
 */
export interface DocumentRules {
  /**
   * Rules over one empty document, before anything is applied to it.
   *
   * @param authors what {@link RuledDocument.encodeAuthors} gave beside the snapshot that the document is loaded from. Throws
   * on bytes that are not its.
   */
  open(doc: Y.Doc, authors?: Uint8Array): RuledDocument
}

/** The rules over one document, and what they remember of it. A room calls them on every update. */
export interface RuledDocument {
  /** Checks one Yjs V1 update before it is applied. A refused update is refused whole. Must not change the document. */
  inspect(update: Uint8Array, writer: Writer): Refusal | undefined
  /**
   * The part of a client's answer to SyncStep1 that is to be inspected and applied. A client answers with everything that
   * the server lacks, whoever wrote it, and some of that only its writer may bring. Must not change the document.
   */
  withhold(answer: Uint8Array, writer: Writer): Uint8Array
  /** Notes that `actor` wrote a record of the log. Called at load, before the record is applied; not for relayed records. */
  recordAuthor(update: Uint8Array, actor: string): void
  /** Everything that {@link recordAuthor} and {@link inspect} have learnt about authors, to be kept beside a snapshot. */
  encodeAuthors(): Uint8Array
  /** The `block/field` paths that a transaction touched, for the log. Called after one connection's updates of a tick. */
  touched(transaction: Y.Transaction): string[]
  /** Calls `listener` after each transaction that changed what people are shown. Must not write. Returns unsubscribe. */
  observe(listener: (observed: Observed) => void): () => void
  /** Deletes the beaten claims of the paths in `touched`, in at most one transaction. Changes nothing that is shown. */
  prune(touched: readonly string[]): void
}

/** The rules over a document that has none: nothing refused, nothing described. */
export const UNRULED: RuledDocument = {
  inspect: () => undefined,
  withhold: (answer) => answer,
  recordAuthor: () => undefined,
  encodeAuthors: () => new Uint8Array(),
  touched: () => [],
  observe: () => () => undefined,
  prune: () => undefined,
}

/** Rules that allow any Yjs document. */
export const openRules: DocumentRules = { open: () => UNRULED }
