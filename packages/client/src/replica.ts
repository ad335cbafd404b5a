import { doubledSkeletons, hideMachines, type MachineList, machineDigest, setMachines } from '@joinery/blocks'
import {
  type Conflict,
  encodeJoinery,
  type Frame,
  type Hello,
  type JoineryMessage,
  type KeyedResult,
  type Provenance,
  QUERY,
  type Rejected,
  type RejectionCode,
} from '@joinery/protocol'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { orAborted, throwIfAborted, type WaitOptions } from './abort.ts'
import { ClientError, machineMismatch, presenceTooLarge } from './client-error.ts'
import { CopyKeeper } from './copy-keeper.ts'
import { DocumentSync } from './document-sync.ts'
import type { KeptCopies, SettingAside } from './kept-copies.ts'
import { type KeyedSendOptions, KeyedSends } from './keyed-sends.ts'
import { type ConnectionRefusal, Link } from './link.ts'
import { isLocalCopyOrigin } from './local-copy.ts'
import { type Receipt, Receipts } from './receipts.ts'
import type { ConnectionState } from './save-status.ts'
import { SavedNotes } from './saved-notes.ts'
import { subjectOf } from './token-claims.ts'

/** An empty Yjs V1 update. */
const EMPTY_UPDATE = Uint8Array.of(0, 0)

/** Address and identity of a replica's connection. */
export interface ReplicaTarget {
  readonly url: string
  readonly workspace: string
  readonly token: () => Promise<string | undefined>
  /** Whether `token` may return another token when it is called again. */
  readonly canAskToken: () => boolean
  readonly actor: string | undefined
  readonly source: string | undefined
  /** The list of statuses that blocks have. */
  readonly machines: MachineList | undefined
}

/** Events that a {@link Replica} reports to its workspace. */
export interface ReplicaEvents {
  /** A fact of the save status may have changed. */
  changed(): void
  hello(hello: Hello): void
  /** The server's state is in `doc`, for the first time on this connection. */
  synced(): void
  /** The server refused the connection for good. */
  refused(refusal: ConnectionRefusal): void
  conflict(conflict: Conflict): void
  /** The server answered `watchProvenance`. */
  provenance(message: Provenance): void
  /** The server refused `update`, which includes the edits that built on it. The replica must be replaced: a Yjs document takes nothing back. */
  rejected(rejection: Rejected, update: Uint8Array): void
  /** Others have made a block by name anew that this document has under an id which the server refuses. */
  doubled(skeletons: readonly number[]): void
  /** The server lets `actor` in, and the document holds edits by somebody else: this replica must not send them. */
  actorChanged(actor: string): void
  /** The server's workspace has another generation: this replica must not merge with it. */
  generationChanged(): void
  /** The local copy could not be read: `doc` may hold a part of it. */
  unreadable(error: ClientError): void
  /** The local copy failed, or a presence state is too large; the replica continues without it. */
  failed(error: ClientError): void
}

/**
 * The live side of a workspace: one document with its connection and its local copy. It is replaced as a whole when its document
 * must be given up.
 */
export class Replica {
  readonly doc = new Y.Doc()
  readonly awareness = new Awareness(this.doc)
  readonly link: Link
  readonly whenLoaded: Promise<void>
  readonly #sync: DocumentSync
  readonly #receipts = new Receipts()
  readonly #keyed = new KeyedSends((frame) => this.link.send(frame))
  readonly #target: ReplicaTarget
  readonly #events: ReplicaEvents
  readonly #keeper: CopyKeeper | undefined
  readonly #notes: SavedNotes | undefined
  #generation: string | undefined
  /** The actor who writes this document, as the server named it on this connection or an earlier one; undefined before the first. */
  #actor: string | undefined
  readonly #expectedActor: string | undefined
  #hello: Hello | undefined
  #hold: { code: RejectionCode; reason: string } | undefined
  #isAlone = false
  #watchesProvenance = false
  /** Why the replica was closed: present and later waits reject with it. */
  #end: { readonly reason: unknown } | undefined

  /**
   * `copies` keeps the local copy; undefined for none. `settingAside` is taken out of use first. Connects once the copy is
   * loaded, or has failed, or takes too long. Does not connect if the server has refused this already (`refusal`).
   * `expectedActor` chooses the copy, until the server names the actor.
   */
  constructor(
    target: ReplicaTarget,
    copies: KeptCopies | undefined,
    events: ReplicaEvents,
    settingAside?: SettingAside,
    refusal?: ConnectionRefusal,
    expectedActor?: string,
  ) {
    this.#target = target
    if (target.machines !== undefined) setMachines(this.doc, target.machines)
    this.#events = events
    this.#expectedActor = expectedActor
    // No presence before the application sets one: a job must not show up among the cursors.
    this.awareness.setLocalState(null)
    this.#sync = new DocumentSync(this.doc, this.awareness, () => this.link, {
      // Everything that keyed edits build on has been sent.
      answered: () => this.#keyed.ready(),
      synced: () => this.#onSynced(),
      tooLargeToSend: () => this.link.reconnect(),
      presenceTooLarge: (bytes) => events.failed(presenceTooLarge(bytes)),
    })
    this.doc.on('update', this.#onUpdate)
    this.doc.on('afterTransaction', this.#onTransaction)
    this.link = new Link({
      url: `${target.url}/${target.workspace}`,
      query: () => this.#query(),
      canAskAgain: target.canAskToken,
      refusal,
      events: {
        stateChanged: (state) => this.#onLinkState(state),
        opened: () => this.#sync.opened(),
        closed: () => this.#onDisconnect(),
        received: (frame) => this.#onFrame(frame),
        generationRefused: () => events.generationChanged(),
      },
    })
    this.#keeper = copies && this.#createKeeper(copies, settingAside)
    this.#notes = this.#keeper && new SavedNotes(this.doc, this.#keeper, () => this.pending === 0 && this.isCaughtUp)
    this.whenLoaded = this.#start()
  }

  get generation(): string | undefined {
    return this.#generation
  }
  /** The actor who writes the document, as far as it is known. */
  get actor(): string | undefined {
    return this.#actor ?? this.#expectedActor
  }
  get copyName(): string | undefined {
    return this.#keeper?.name
  }
  /** Number of edits of which it was never known that they are durable on the server, unanswered keyed edits included. */
  get pending(): number {
    return this.#sync.outbox.ledger.unsaved + this.#keyed.size
  }
  get isCaughtUp(): boolean {
    return this.#sync.outbox.ledger.isCaughtUp
  }
  /** Why the server takes no updates now; undefined while it does. */
  get hold(): { readonly code: RejectionCode; readonly reason: string } | undefined {
    return this.#hold
  }
  /** Whether the server takes edits, and reaches no other machine of its cluster now. */
  get isAlone(): boolean {
    return this.#isAlone
  }

  /** Asks the server who last touched what, now and on every later connection. */
  watchProvenance(): void {
    this.#watchesProvenance = true
    if (this.#hello !== undefined) this.link.send(encodeJoinery({ type: 'watch' }))
  }

  /** Reports a conflict that only this client could see to the other clients. */
  tellConflict(conflict: Conflict): void {
    if (this.#hello?.access === 'write') this.link.send(encodeJoinery(conflict))
  }

  /** Whether everything in `doc` is in the local copy. */
  get isKeptHere(): boolean {
    return this.#keeper?.isKept ?? false
  }

  /** Resolves when everything written until now is durable. Waits for the local copy first: its edits count. */
  async whenDurable({ signal }: WaitOptions = {}): Promise<Receipt> {
    throwIfAborted(signal)
    await orAborted(this.whenLoaded, signal)
    const { ledger } = this.#sync.outbox
    // Edits after the end are not counted: without this check they would seem to be saved.
    if (ledger.pending === 0 && this.#end === undefined) return { lsn: ledger.lsn }
    this.#throwIfEnded()
    return this.#receipts.wait(ledger.written, { signal })
  }

  /** Sends one keyed update, which is not in `doc`, on each connection until the server answers. */
  async sendKeyed(key: string, update: Uint8Array, options: KeyedSendOptions): Promise<KeyedResult> {
    this.#throwIfEnded()
    const answer = this.#keyed.send(key, update, options)
    this.#events.changed()
    try {
      return await answer
    } finally {
      this.#events.changed()
    }
  }

  /** Applies an update that the server has. */
  receive(update: Uint8Array): void {
    this.#sync.apply(update)
  }

  #throwIfEnded(): void {
    if (this.#end !== undefined) throw this.#end.reason
    const { state } = this.link
    if (state.state === 'refused') throw new ClientError(state.code, state.reason)
  }

  /**
   * Closes at once; all waits reject with `reason`. Resolves when socket and database are closed; never rejects. With
   * `isAbandoned`, the document is given up: see {@link CopyKeeper.close}.
   */
  async close(reason: unknown, isAbandoned = false): Promise<void> {
    this.#notes?.close(!isAbandoned)
    this.#end = { reason }
    this.doc.off('update', this.#onUpdate)
    this.doc.off('afterTransaction', this.#onTransaction)
    const linkClosed = this.link.close()
    this.awareness.destroy()
    this.#sync.outbox.close()
    this.#fail(reason)
    await this.#keeper?.close(isAbandoned)
    await linkClosed
  }

  #createKeeper(copies: KeptCopies, settingAside: SettingAside | undefined): CopyKeeper {
    return new CopyKeeper(copies, this.doc, settingAside, {
      changed: () => this.#events.changed(),
      failed: (error) => this.#events.failed(error),
      unreadable: (error) => this.#events.unreadable(error),
      generation: () => this.#generation,
      actor: () => this.#actor,
      expectedActor: () => this.#actor ?? this.#expectedActor,
      owned: (actor) => {
        this.#actor = actor
      },
      notOurs: () => {
        if (this.#actor !== undefined) this.#events.actorChanged(this.#actor)
      },
      accepts: (generation) => {
        const isForeign = this.#generation !== undefined && generation !== undefined && generation !== this.#generation
        if (!isForeign) this.#generation ??= generation
        return !isForeign
      },
      loaded: (update, isNoted) => this.#onWritten(update, isNoted),
    })
  }

  async #start(): Promise<void> {
    await this.#keeper?.whenLoaded
    if (this.#end === undefined && this.link.state.state !== 'refused') this.link.connect()
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    this.#notes?.changed()
    if (isLocalCopyOrigin(origin)) return
    this.#keeper?.add(update)
    if (origin !== this.#sync) this.#onWritten(update)
  }

  #onWritten(update: Uint8Array, isNoted = false): void {
    this.#sync.written(update, isNoted)
    this.#events.changed()
  }

  /** Edits of the server may show that somebody has made a block anew. */
  readonly #onTransaction = (transaction: Y.Transaction): void => {
    if (transaction.origin !== this.#sync || !transaction.changed.size) return
    const doubled = doubledSkeletons(transaction)
    if (doubled.length > 0) queueMicrotask(() => this.#end === undefined && this.#events.doubled(doubled))
  }

  #onFrame(frame: Frame): void {
    if (frame.type !== 'joinery') return this.#sync.received(frame)
    if (frame.message !== undefined) this.#onMessage(frame.message)
  }

  #fail(error: unknown): void {
    this.#receipts.fail(error)
    this.#keyed.fail(error)
  }

  async #query(): Promise<Record<string, string>> {
    // Read again each time while it is unknown: another tab may have stored it in the same copy.
    this.#generation ??= await this.#keeper?.generation()
    const token = await this.#target.token()
    // The server must not hold this document's client id for somebody who will not write it.
    const isOthers = this.#actor !== undefined && (subjectOf(token) ?? this.#actor) !== this.#actor
    const query: Record<string, string | undefined> = {
      [QUERY.joinery]: '1',
      [QUERY.token]: token,
      [QUERY.client]: isOthers ? undefined : `${this.doc.clientID}`,
      [QUERY.generation]: this.#generation,
      [QUERY.actor]: this.#target.actor,
      [QUERY.source]: this.#target.source,
    }
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return Object.fromEntries(given)
  }

  #onMessage(message: JoineryMessage): void {
    switch (message.type) {
      case 'hello':
        return this.#onHello(message)
      case 'durable':
        this.#sync.outbox.acknowledge(message.frames, message.lsn)
        this.#receipts.settle(this.#sync.outbox.ledger.covered, message.lsn)
        this.#notes?.saved()
        return this.#events.changed()
      case 'rejected':
        return this.#events.rejected(message, this.#sync.outbox.from(message.frame))
      case 'conflict':
        return this.#events.conflict(message)
      case 'writable': {
        const { isWritable, code, reason } = message
        this.#hold = isWritable || code === undefined ? undefined : { code, reason }
        this.#isAlone = isWritable && code === 'not_replicated'
        return this.#events.changed()
      }
      case 'provenance':
        return this.#events.provenance(message)
      case 'keyedResult':
        return this.#keyed.settle(message)
    }
  }

  #onHello(hello: Hello): void {
    // The server checks it, too; but another tab may have stored the generation after this client sent its query.
    if (this.#generation !== undefined && hello.generation !== this.#generation) return this.#events.generationChanged()
    if (this.#actor !== undefined && hello.actor !== this.#actor) return this.#events.actorChanged(hello.actor)
    if (this.#actor === undefined) {
      this.#actor = hello.actor
      void this.#keeper?.claim(hello.actor)
    }
    // A reader may be let in before the workspace exists. It has no generation yet, and the server has it connect again later.
    if (this.#generation === undefined && hello.generation !== '') {
      this.#generation = hello.generation
      this.#keeper?.setGeneration(hello.generation)
    }
    this.#hello = hello
    this.#sync.updateBytesMax = hello.updateBytesMax
    if (this.#watchesProvenance) this.watchProvenance()
    this.#compareMachines(hello)
    this.#events.hello(hello)
  }

  /** Shows no statuses by a table that the server does not have: the two would rank them differently. */
  #compareMachines({ machines }: Hello): void {
    const own = this.#target.machines?.rules.machines
    if (machines === undefined || own === undefined) return
    const mismatched = [...own.values()].filter(
      (machine) => !Object.hasOwn(machines, machine.name) || machines[machine.name] !== machineDigest(machine),
    )
    const names = mismatched.map(({ name }) => name)
    if (hideMachines(this.doc, names) && names.length > 0) this.#events.failed(machineMismatch(names))
  }

  #onSynced(): void {
    if (this.#hello?.access === 'read') this.#offerAsReader(this.#hello.updateBytesMax)
    this.#events.synced()
    this.#events.changed()
  }

  /** Offers a reader's edits unasked. The server accepts edits that it has already, and refuses others. */
  #offerAsReader(updateBytesMax: number): void {
    const update = this.#sync.outbox.ledger.pending === 0 ? EMPTY_UPDATE : Y.encodeStateAsUpdate(this.doc)
    if (update.length <= updateBytesMax) this.#sync.answer(update)
    // Keyed edits are sent all the same: the server refuses them.
    else this.#keyed.ready()
  }

  #onDisconnect(): void {
    this.#notes?.write()
    this.#sync.closed()
    this.#keyed.disconnected()
    this.#hello = undefined
    this.#hold = undefined
    this.#isAlone = false
  }

  #onLinkState(state: ConnectionState): void {
    if (state.state === 'refused') {
      const error = new ClientError(state.code, state.reason)
      this.#fail(error)
      this.#events.refused(state)
    }
    this.#events.changed()
  }
}
