/// <reference lib="esnext.disposable" preserve="true" />
import type { Conflict, Hello, RejectionCode } from '@joinery/protocol'
import * as Y from 'yjs'
import { abort, orAborted, throwIfAborted, type WaitOptions, whenAborted } from './abort.ts'
import { ClientError } from './client-error.ts'
import { asideCause, isAnythingIn, isLoss, lossOf, type Reset, type ResetCause, reasonOf } from './document-reset.ts'
import type { Draft } from './draft.ts'
import { FirstSync } from './first-sync.ts'
import { Fork } from './fork.ts'
import { KeptCopies, type SettingAside } from './kept-copies.ts'
import { KeyedEdits, type KeyedOptions, type KeyedReceipt, keyedOf, type UnkeyedOptions } from './keyed-edits.ts'
import type { ConnectionRefusal } from './link.ts'
import type { SetAsideCopy } from './local-copies.ts'
import { ListenerSet, type Observable, ObservableValue } from './observable-value.ts'
import { Presence } from './presence.ts'
import { ProvenanceView } from './provenance.ts'
import { Rebuild, type RebuildError, rejectedCause } from './rebuild.ts'
import type { Receipt } from './receipts.ts'
import { Replica, type ReplicaEvents, type ReplicaTarget } from './replica.ts'
import { type Job, type JobOutcome, type RunJobOptions, runJob } from './run-job.ts'
import { createSaveStatus, type EditsRejectionCode, type SaveStatus, saveStatusOf } from './save-status.ts'
import { SetAside } from './set-aside.ts'
import { subjectOf } from './token-claims.ts'
import { EDIT_ORIGIN, UndoHistory } from './undo.ts'
import { WorkspaceBlocks } from './workspace-blocks.ts'
import { WorkspaceLeases } from './workspace-leases.ts'
import { parseOptions, type TokenSource, type WorkspaceOptions } from './workspace-options.ts'

/** The server's report about itself and this connection. */
export type ServerInfo = Omit<Hello, 'type'>

/** The result of an edit. No promise: the transaction is over before a promise settles. */
type Synchronous<T> = T extends PromiseLike<unknown> ? never : T

/** One open workspace: its document, its state, and the operations on it. */
export class Workspace {
  readonly blocks: WorkspaceBlocks
  readonly undo: UndoHistory
  readonly presence = new Presence()
  readonly leases = new WorkspaceLeases(this)
  /** Tells who last touched a block or a part of it. */
  readonly provenance = new ProvenanceView(() => this.#replica.watchProvenance())
  /** Address and identity of the connection. `historyOf` asks the same server over HTTP with them. */
  readonly target: ReplicaTarget
  #token: TokenSource | undefined
  readonly #setAside: SetAside
  readonly #status = createSaveStatus()
  readonly #server = new ObservableValue<ServerInfo | undefined>(undefined)
  readonly #resets = new ListenerSet<Reset>()
  readonly #conflicts = new ListenerSet<Conflict>()
  readonly #errors = new ListenerSet<ClientError>()
  /** The draft of the keyed edit that runs now. */
  #draft: Draft | undefined
  readonly #keyed = new KeyedEdits(
    () => this.#replica,
    () => this.untilSynced(),
    () => this.blocks,
  )
  #replica: Replica
  readonly #rebuild: Rebuild
  readonly #synced = new FirstSync()
  #rejection: { code: EditsRejectionCode; reason: string } | undefined
  readonly #closings: Promise<void>[] = []
  readonly #closing = new AbortController()
  readonly #unlisten: (() => void) | undefined
  #closed: Promise<void> | undefined

  /** Use {@link connectWorkspace}. */
  constructor(options: WorkspaceOptions) {
    const { signal } = options
    throwIfAborted(signal)
    const { prefix, lists, ...address } = parseOptions(options)
    this.undo = new UndoHistory(lists)
    this.blocks = new WorkspaceBlocks(() => this.doc, EDIT_ORIGIN, lists)
    const canAskToken = (): boolean => typeof this.#token === 'function'
    this.target = { ...address, token: () => this.#readToken(), canAskToken }
    this.#token = options.token
    this.#setAside = new SetAside(
      prefix === undefined ? undefined : new KeptCopies(prefix, `${address.url}/${address.workspace}`),
    )
    this.#rebuild = new Rebuild(this.#setAside)
    this.#replica = this.#createReplica(options.token === undefined ? options.actor : subjectOf(options.token))
    this.#unlisten = signal && whenAborted(signal, (reason) => void this.#end(reason))
  }

  /** Aborts when the workspace is closed, with the reason that all waits reject with. */
  get closeSignal(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * The present document; within a keyed edit, its draft. `onReset` tells when the document is replaced. Edits of a replaced
   * document are lost.
   */
  get doc(): Y.Doc {
    return this.#draft?.doc ?? this.#replica.doc
  }

  /** Resolves when the local copy is loaded into `doc`, has failed, or takes longer than 3 s; at once if none is kept. Never rejects. */
  get whenLoaded(): Promise<void> {
    return this.#replica.whenLoaded
  }

  /**
   * Resolves when the server's state is in `doc`; waits while offline. Rejects with a `ClientError` when the server refuses the
   * connection (`reconnect()` puts a new promise here) and when the workspace is closed.
   */
  get whenSynced(): Promise<void> {
    return this.#synced.promise
  }

  /** {@link whenSynced} with a signal to give up. Rejects also if the workspace was closed before the call. */
  async untilSynced({ signal }: WaitOptions = {}): Promise<void> {
    throwIfAborted(signal)
    throwIfAborted(this.#closing.signal)
    await orAborted(this.whenSynced, signal)
  }

  /** What to tell a person about their edits. */
  get saveStatus(): Observable<SaveStatus> {
    return this.#status
  }

  /** The server's report at the last successful connection; undefined before the first. */
  get server(): Observable<ServerInfo | undefined> {
    return this.#server
  }

  /**
   * Resolves when everything written before the call is durable on the server, offline edits of earlier visits included. Waits
   * across reconnects, as long as it takes. Rejects with `rejected` or `generation_changed` when the document was replaced,
   * with the refusal's code when the server refuses the connection, and with `closed` when the workspace is closed.
   */
  whenDurable(options?: WaitOptions): Promise<Receipt> {
    return this.#rebuild.durable(
      () => this.untilSynced(options),
      () => this.#replica.whenDurable(options),
    )
  }

  /**
   * Runs `edit` in one transaction, which undo takes back as one of this person's own steps. Returns the result of `edit`.
   * The call does not wait for the server: see {@link transactDurably} and {@link transactOnce}.
   */
  transact<T>(edit: (transaction: Y.Transaction) => Synchronous<T>): T
  /** @deprecated The earlier name of {@link transactOnce}. */
  transact(edit: (draft: Draft) => void, options: KeyedOptions): Promise<KeyedReceipt>
  /** @deprecated The earlier name of {@link transactDurably}. */
  transact(edit: (transaction: Y.Transaction) => void, options: UnkeyedOptions): Promise<Receipt>
  transact<T>(
    edit: ((transaction: Y.Transaction) => T) | ((draft: Draft) => void),
    options?: KeyedOptions | UnkeyedOptions,
  ): T | Promise<KeyedReceipt | Receipt> {
    const live = edit as (transaction: Y.Transaction) => Synchronous<T>
    if (options === undefined) return this.doc.transact(live, EDIT_ORIGIN) as T
    if (options.idempotencyKey === undefined) return this.transactDurably(live, options)
    return this.transactOnce(edit as (draft: Draft) => void, options)
  }

  /**
   * Runs `edit` as {@link transact} does and waits until it is durable, as {@link whenDurable} does. A repeated call makes the
   * edit again: see {@link transactOnce}. Rejects with the signal's reason, and makes no edit, when the signal has aborted
   * before the call. Under a `lease` the edit is made as {@link transactOnce} makes one: shown once the server has it, or not at all.
   */
  async transactDurably<T>(
    edit: (transaction: Y.Transaction) => Synchronous<T>,
    options: UnkeyedOptions = {},
  ): Promise<Receipt> {
    throwIfAborted(options.signal)
    if (options.lease !== undefined) return this.transactOnce(...keyedOf(edit, options))
    this.transact(edit)
    return this.whenDurable(options)
  }

  /**
   * Makes an edit that counts once per workspace, also when another client repeats it after a crash. `edit` runs on a draft, a copy of
   * the document, once the workspace is synced; the SDK sends the result under `idempotencyKey`. Resolves when the record
   * that bears the key is durable and in `doc`, across reconnects, for as long as it takes. A key that the workspace knows
   * already changes nothing. The edits of one workspace are made one after the other. They are no step of undo. The local
   * copy does not hold them before the server does: after a crash the caller repeats them.
   *
   * `edit` is synchronous and edits its `draft`. While it runs, `doc` and `blocks` of the workspace give the draft's. `edit`
   * may run although the key is known; an error that it throws is thrown only if the key is not. Rejects with `bad_options`
   * for a key that can't be one and for an edit of the workspace itself; with `rejected` when the server refuses the edit
   * (then `doc` has nothing of it, and the key is free); and as {@link whenDurable} does. After any other rejection, an abort
   * included, the edit may have been made or not: repeat it with the same key.
   */
  transactOnce<T>(edit: (draft: Draft) => Synchronous<T>, options: KeyedOptions): Promise<KeyedReceipt> {
    return this.#keyed.make((draft) => this.#onDraft(draft, edit as (draft: Draft) => void), options)
  }

  /** Copies the present document, for a job that writes later: {@link Fork}. */
  fork(): Fork {
    const onConflict = (conflict: Conflict): void => this.#conflicts.tell(conflict)
    return new Fork(() => this.#replica, this.blocks, onConflict)
  }

  /**
   * Runs `job` as one attempt to build `index` of block `block`: starts a run, shows its progress to everybody, and reports
   * `done` or `error`. Resolves when the report is durable. {@link runJob} says how it ends otherwise.
   */
  withRun(block: string, index: string, job: Job, options: RunJobOptions): Promise<JobOutcome> {
    return runJob(this, block, index, job, options)
  }

  /** Closes the connection and opens a new one, with `token` if it is given. Ends a refusal. */
  reconnect(token?: TokenSource): void {
    if (token !== undefined) this.#token = token
    if (this.#replica.link.state.state === 'refused') this.#synced.renew()
    this.#replica.link.reconnect()
  }

  /** Tells that a person has seen that edits were set aside: the save status no longer shows it. */
  acknowledgeRejection(): void {
    this.#rejection = undefined
    this.#refresh()
  }

  /** Calls `listener` after `doc` was replaced. Returns the function that ends it. */
  onReset(listener: (reset: Reset) => void): () => void {
    return this.#resets.add(listener)
  }

  /** Calls `listener` after `doc` was replaced because the server refused edits. Returns the function that ends it. */
  onRejected(listener: (rejection: Reset & { readonly code: RejectionCode }) => void): () => void {
    return this.#resets.add((reset) => {
      if (reset.code !== undefined) listener({ ...reset, code: reset.code })
    })
  }

  /** Calls `listener` when a write lost to a concurrent one, by the word of a client (`reportedBy`) or the server. Returns unsubscribe. */
  onConflict(listener: (conflict: Conflict) => void): () => void {
    return this.#conflicts.add(listener)
  }

  /**
   * Calls `listener` when the local copy fails (`local_copy_failed`), or an editor binding's presence state is too large
   * (`presence_too_large`): once, until it works again. The workspace goes on meanwhile.
   */
  onError(listener: (error: ClientError) => void): () => void {
    return this.#errors.add(listener)
  }

  /** All that was set aside here, oldest first. Where no copy is kept, it is in memory, and lost on `close()`. */
  listSetAside(): Promise<SetAsideCopy[]> {
    return this.#setAside.list()
  }

  /** The edits that were set aside under this id, as {@link Reset} `update`; undefined when there are none. */
  readSetAside(id: string): Promise<Uint8Array | undefined> {
    return this.#setAside.read(id)
  }

  /** Deletes the edits that were set aside under this id for good. */
  discardSetAside(id: string): Promise<void> {
    return this.#setAside.discard(id)
  }

  /** Closes the workspace at once: edits that are not durable stay unsaved. Resolves when socket and databases are closed. Idempotent. */
  close(): Promise<void> {
    return this.#end(new ClientError('closed', 'the workspace is closed'))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #onDraft(draft: Draft, edit: (draft: Draft) => void): void {
    this.#draft = draft
    try {
      // Returned, so that the caller can reject a promise.
      return edit(draft)
    } finally {
      this.#draft = undefined
    }
  }

  /** Closes; whatever waits rejects with `reason`. */
  #end(reason: unknown): Promise<void> {
    this.#closed ??= this.#close(reason)
    return this.#closed
  }

  async #close(reason: unknown): Promise<void> {
    this.#unlisten?.()
    abort(this.#closing, reason)
    this.#synced.reject(reason)
    this.#closings.push(this.#replica.close(reason))
    this.undo.detach()
    this.#refresh()
    await Promise.all(this.#closings)
    this.#setAside.copies?.close()
  }

  #createReplica(actor: string | undefined, settingAside?: SettingAside, refusal?: ConnectionRefusal): Replica {
    const events = this.#eventsOf(() => replica)
    const replica: Replica = new Replica(this.target, this.#setAside.copies, events, settingAside, refusal, actor)
    this.undo.attach(replica.doc)
    this.presence.attach(replica.awareness)
    if (this.provenance.isWatched) replica.watchProvenance()
    return replica
  }

  async #readToken(): Promise<string | undefined> {
    return typeof this.#token === 'function' ? this.#token() : this.#token
  }

  #eventsOf(self: () => Replica): ReplicaEvents {
    return {
      changed: () => this.#refresh(),
      hello: ({ type: _type, ...info }) => {
        this.provenance.restart()
        this.#server.set(info)
      },
      synced: () => {
        const failed = this.#rebuild.finish(self().doc)
        if (failed !== undefined) this.#onRebuildFailed(failed)
        if (this.#rebuild.hasMoved) {
          this.whenDurable().then(
            () => this.#rebuild.discardMoved(),
            () => undefined,
          )
        }
        this.presence.announce()
        this.#synced.resolve()
      },
      refused: (refusal) => this.#onRefused(refusal, self()),
      conflict: (conflict) => this.#conflicts.tell(conflict),
      provenance: ({ stamps }) => this.provenance.note(stamps),
      failed: (error) => this.#errors.tell(error),
      rejected: (rejection, update) => this.#reset(rejectedCause(self().doc, rejection, update), update),
      doubled: (skeletons) => {
        if (this.#rebuild.isKnown(skeletons)) return
        this.#reset({ cause: 'rebuilding', isRefused: false, reason: 'the id of a block by name is another writer’s' })
      },
      actorChanged: (actor) => this.#reset({ cause: 'actor_changed', actor }),
      generationChanged: () => {
        this.provenance.clear()
        this.#reset({ cause: 'generation_changed', generation: self().generation })
      },
      unreadable: (error) => this.#reset({ cause: 'unreadable', reason: error.message }),
    }
  }

  #onRefused(refusal: ConnectionRefusal, replica: Replica): void {
    const { code, reason } = refusal
    // If a workspace with this name is created again, it must not get the deleted one's content unasked.
    if (code === 'workspace_deleted' && isAnythingIn(replica.doc)) {
      this.#reset({ cause: 'workspace_deleted', reason }, undefined, refusal)
    }
    this.#synced.reject(new ClientError(code, reason))
  }

  /** Replaces the replica: a Yjs document takes nothing back. With a `refusal`, the new replica does not connect. */
  #reset(cause: ResetCause, given?: Uint8Array, refusal?: ConnectionRefusal): void {
    const old = this.#replica
    const update = given ?? Y.encodeStateAsUpdate(old.doc)
    const reason = reasonOf(cause)
    this.#synced.renew()
    const isSwap = cause.cause === 'actor_changed'
    // The copy of an earlier actor stays in use, for when they are back.
    const copy = isSwap ? undefined : old.copyName
    const settingAside = copy === undefined || isSwap ? undefined : { name: copy, cause: asideCause(cause, update) }
    this.#replica = this.#createReplica(isSwap ? cause.actor : old.actor, settingAside, refusal)
    const aside = copy ?? this.#setAside.keep(cause, update)
    const failed = cause.cause === 'rebuilding' ? undefined : this.#rebuild.fail()
    const code = cause.cause === 'rejected' ? cause.code : undefined
    if (isLoss(cause, old)) this.#rejection = { code: lossOf(cause), reason }
    this.#closings.push(old.close(this.#rebuild.endOf(cause, old.doc, update, aside), !isSwap))
    this.#refresh()
    this.#resets.tell({ cause: cause.cause, code, reason, update })
    if (failed !== undefined) this.#onRebuildFailed(failed)
  }

  /** The edits stay set aside, as after any refusal. */
  #onRebuildFailed({ message: reason, update }: RebuildError): void {
    this.#rejection = { code: 'client_id_owned', reason }
    this.#refresh()
    this.#resets.tell({ cause: 'rejected', code: 'client_id_owned', reason, update })
  }

  #refresh(): void {
    const replica: Replica | undefined = this.#replica
    // Undefined while the first replica is created.
    if (replica === undefined) return
    const { isCaughtUp, isKeptHere, hold, isAlone } = replica
    const pending = replica.pending + (this.#rebuild.isWaiting ? 1 : 0)
    const rejection = this.#rejection
    const connection = replica.link.state
    this.#status.set(saveStatusOf({ connection, pending, isCaughtUp, isKeptHere, hold, isAlone, rejection }))
  }
}

/**
 * Opens a workspace and keeps it connected until `close()`. Returns at once: the application may edit before it is connected.
 * Throws `bad_options` for options that can never work.
 */
export function connectWorkspace(options: WorkspaceOptions): Workspace {
  return new Workspace(options)
}
