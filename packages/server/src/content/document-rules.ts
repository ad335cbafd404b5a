import type { RejectionCode } from '@joinery/protocol'
import type * as Y from 'yjs'
import type { Steps } from './steps.ts'

/** The writer behind a connection, as its token (or development mode) says. */
export interface Writer {
  readonly actor: string
  /** The class of writer that this connection's records are stamped with. */
  readonly source: string
  /** Every class that the connection may write as; undefined in development mode, where all are allowed. */
  readonly sources: readonly string[] | undefined
  /** False only in development mode, where claims may name any actor. */
  readonly isAuthenticated: boolean
  /**
   * True when its updates may hold edits of others that this server has lost. They then say nothing about who wrote
   * them.
   */
  readonly mayRelay?: boolean
  /** The client id that the connection announced as its document's own; undefined when it announced none. */
  readonly ownId?: number | undefined
  /** True for an answer to SyncStep1: it holds everything that the client has, also edits of others. */
  readonly isAnswer?: boolean
  /**
   * True for a piece of an update that has too many structs to be inspected at once. A piece says nothing about the others:
   * it binds no client id but the sender's own.
   */
  readonly isPart?: boolean
  /** True for an update that was tried on a copy of the document: estimates of its cost do not refuse it. */
  readonly isTried?: boolean
}

/** The reason why an update is refused. */
export interface Refusal {
  readonly code: RejectionCode
  /** The fault and what to do about it, for the person who reads the client's log. */
  readonly reason: string
  /** True for a refusal by an estimate of the cost: the room tries the update, and then asks again with `isTried`. */
  readonly isEstimate?: boolean
  /** True where another writer's edits stand under a client id for good, so that no later attempt helps. */
  readonly isLasting?: boolean
}

/** A change of a value that people are shown, both sides as JSON; `undefined` on the side where there is no value. */
export interface ShownChange {
  readonly block: string
  readonly field: string
  readonly before: unknown
  readonly after: unknown
}

/** A claim that lost to a concurrent one. */
export interface LostConflict {
  readonly block: string
  readonly field: string
  readonly winner: unknown
  readonly loser: unknown
  /** The rule that decided, in words. */
  readonly rule: string
}

/** The effects of one transaction on what people are shown. */
export interface Observed {
  readonly changes: readonly ShownChange[]
  readonly conflicts: readonly LostConflict[]
}

/** The actors for whom a client id is held; none when it is nobody's. */
export type HoldersOf = (client: number) => readonly string[]

/**
 * The meaning of documents, for a server that knows no blocks. A room opens its document with these rules when it loads
 * it. `packages/blocks` has the rules of Joinery's documents; the default allows everything.
 */
export interface DocumentRules {
  /** Digests of tables that clients have to have alike, by name: told to clients of the SDK. None when left out. */
  readonly machines?: Readonly<Record<string, string>>
  /**
   * Opens the rules over one empty document, before anything is applied to it. Throws on `authors` in another format.
   *
   * @param authors the bytes of {@link RuledDocument.encodeAuthors} that are stored beside the document's snapshot
   * @param holdersOf the actors for whom the server holds a client id under which nobody has written yet; to be asked at each
   * inspection
   */
  open(doc: Y.Doc, authors?: Uint8Array, holdersOf?: HoldersOf): RuledDocument
}

/** The rules over one document, and the authors that they have learnt. A room calls them on every update. */
export interface RuledDocument {
  /**
   * Checks one Yjs V1 update before it is applied. Nothing of a refused update is applied. Must not change the
   * document.
   */
  inspect(update: Uint8Array, writer: Writer): Refusal | undefined
  /**
   * The steps to an update that `withhold`, `mayBeOthers` and `inspect` need not read any more, until the returned function is called.
   * Rules may leave it out. Must not change the document, which may change between the steps.
   */
  preparing?(update: Uint8Array, isOver: () => boolean): Steps<() => void>
  /**
   * The item of an update that certainly is typing, which needs no inspection: one text beside what stands in the document, by the only
   * owner of its client id. The room integrates it, so that the bytes are read once. Undefined for any other update; rules may leave
   * it out. Must not change the document.
   */
  readTyped?(update: Uint8Array, writer: Writer): Y.Item | undefined
  /**
   * The part of an update that is to be inspected and applied: of an answer to SyncStep1, and of each update of a
   * connection that announced a client id. A client sends everything that it gets to know, also edits of others, and
   * some edits may be sent only by their writer. Must not change the document.
   */
  withhold(update: Uint8Array, writer: Writer): Uint8Array
  /** Whether an update may hold edits that its sender did not write: its record then says so. Asked before `inspect`. */
  mayBeOthers(update: Uint8Array, writer: Writer): boolean
  /** The actors who alone may write under a client id; none when anybody may. */
  ownersOf(client: number): readonly string[]
  /** Makes `actor` an owner of a client id beside those that have written under it. */
  share(client: number, actor: string): void
  /**
   * Makes waiting structs garbage that `update` may free and that break the rules, which could not be told when they came. Called
   * just before an update is applied while structs wait. May change the structs that wait, and nothing else.
   */
  spoilWaiting(update: Uint8Array): void
  /**
   * Notes that `actor` wrote a record of the log. Called at load, before the record is applied; not for relayed
   * records.
   */
  recordAuthor(update: Uint8Array, actor: string): void
  /**
   * Notes a record that may hold edits of others than `actor`. Called at load, before the record is applied. A record without
   * edits says that its actor has come to share `ownId`.
   *
   * @param ownId the client id that the record's connection had announced: edits under it are the actor's
   */
  recordRelay(update: Uint8Array, actor: string, ownId: number | undefined): void
  /**
   * Encodes all that {@link recordAuthor} and {@link inspect} have learnt about authors, to be stored beside a
   * snapshot.
   */
  encodeAuthors(): Uint8Array
  /**
   * The `block/field` paths that a transaction touched, for the log. Called after each connection's updates of a tick.
   */
  touched(transaction: Y.Transaction): string[]
  /**
   * Calls `listener` after each transaction that changed what people are shown. `listener` must not write. Returns
   * unsubscribe.
   */
  observe(listener: (observed: Observed) => void): () => void
  /**
   * Deletes the beaten claims of the paths in `touched`, which changes nothing that is shown, and what shows although it is out of
   * date. With `isHeld`, the latter alone.
   */
  prune(touched: readonly string[], isHeld: boolean): void
}

/** Rules that allow everything and describe nothing, over one document. */
export const UNRULED: RuledDocument = {
  inspect: () => undefined,
  withhold: (update) => update,
  mayBeOthers: () => false,
  ownersOf: () => [],
  share: () => undefined,
  spoilWaiting: () => undefined,
  recordAuthor: () => undefined,
  recordRelay: () => undefined,
  encodeAuthors: () => new Uint8Array(),
  touched: () => [],
  observe: () => () => undefined,
  prune: () => undefined,
}

/** Rules that allow any Yjs document. */
export const openRules: DocumentRules = { open: () => UNRULED }
