import * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import { inTransaction, openDatabase, requestResult } from './indexed-db.ts'
import { WRITE_PATIENCE_MS, withinPatience } from './patience.ts'
import { isStateOf } from './saved-notes.ts'

const UPDATES = 'updates'
const CUSTOM = 'custom'
const GENERATION = 'joinery-generation'
const SAVED = 'joinery-saved'
/** With so many records, the next open folds them into one, or the next rest. As y-indexeddb does. */
const RECORDS_MAX = 500
/** With so many, the next write does: somebody who never rests must not fill the device. */
const RECORDS_LATEST = 4 * RECORDS_MAX
/** Time without an edit after which records are folded, ms: it takes a page 100 ms and more in a long text, which typing must not wait for. */
const FOLD_REST_MS = 1_000

/** Events that a {@link LocalCopy} reports. */
export interface LocalCopyEvents {
  /** `isKept` or `error` may have changed. */
  changed(): void
  /** The database closed under the copy, or writes fail: open another one. */
  lost(): void
  /** Whether records of this generation may be applied to the document. */
  accepts(generation: string | undefined): boolean
  /** The records are in the document, and brought it this update. `isNoted`: a note says that a server had all of it. */
  loaded(update: Uint8Array, isNoted: boolean): void
}

/** The result of {@link LocalCopy.open}. */
export type OpenedCopy =
  | {
      readonly state: 'open'
      readonly copy: LocalCopy
      readonly generation: string | undefined
      /** The records that the document got. */
      readonly updates: readonly Uint8Array[]
    }
  /** The generation was not accepted: the document got nothing. */
  | { readonly state: 'foreign' }
  /** A record is no Yjs update. `isDocSpoilt`: the document may hold a part of the copy, and is of no more use. */
  | { readonly state: 'unreadable'; readonly error: ClientError; readonly isDocSpoilt: boolean }

/**
 * The copy of one document in IndexedDB, in y-indexeddb's layout: a plain y-indexeddb can open it. The SDK does not use its
 * `IndexeddbPersistence`, which does not tell whether an update was stored, throws inside the document's update event once the
 * database is closed, and adds a record at every open.
 *
 * A power cut within seconds can still lose a stored update: browsers commit to the operating system's cache.
 */
export class LocalCopy {
  readonly name: string
  readonly #doc: Y.Doc
  readonly #db: IDBDatabase
  readonly #events: LocalCopyEvents
  #queue: Uint8Array[] = []
  /** A generation not yet stored. */
  #generation: string | undefined
  /** A note not yet stored: see {@link noteSaved}. */
  #saved: string | undefined
  #records = 0
  /** Waits for the rest in which records are folded. */
  #rest: ReturnType<typeof setTimeout> | undefined
  #flushing: Promise<void> | undefined
  #error: ClientError | undefined
  /** `lost`: the database closed under this copy, which is of no more use. */
  #state: 'open' | 'lost' | 'closed' = 'open'

  private constructor(name: string, doc: Y.Doc, db: IDBDatabase, events: LocalCopyEvents) {
    this.name = name
    this.#doc = doc
    this.#db = db
    this.#events = events
  }

  /**
   * Opens database `name` and applies its records to `doc` in one transaction ({@link isLocalCopyOrigin}), if `events` accepts
   * their generation. Rejects when IndexedDB fails.
   */
  static async open(name: string, doc: Y.Doc, events: LocalCopyEvents): Promise<OpenedCopy> {
    let copy: LocalCopy | undefined
    const db = await openDatabase(name, createStores, () => {
      if (copy !== undefined) copy.#lose()
    })
    copy = new LocalCopy(name, doc, db, events)
    try {
      const opened = await copy.#load()
      if (opened.state !== 'open') db.close()
      return opened
    } catch (error) {
      db.close()
      throw error
    }
  }

  /** Reads the records of database `name` as one Yjs V1 update. Rejects when they can't be read. */
  static async read(name: string): Promise<Uint8Array> {
    const db = await openDatabase(name, createStores)
    try {
      const updates = db.transaction(UPDATES, 'readonly').objectStore(UPDATES).getAll()
      return foldUpdates(await requestResult<Uint8Array[]>(updates))
    } finally {
      db.close()
    }
  }

  /** Whether everything given to `add` is stored. */
  get isKept(): boolean {
    return this.#state !== 'lost' && !this.#hasWork() && this.#flushing === undefined && this.#error === undefined
  }

  /** Why the last write failed; undefined again once a later write has brought the copy up to date. */
  get error(): ClientError | undefined {
    return this.#error
  }

  /** Stores one Yjs V1 update after the current task. Updates that come while a transaction runs go into the next one. */
  add(update: Uint8Array): void {
    if (this.#state !== 'open') return
    this.#queue.push(update)
    this.#startFlush()
  }

  /** The generation that the stored edits belong to; undefined if none of them came from a server. Reads the database. */
  async generation(): Promise<string | undefined> {
    return storedGeneration(this.#db.transaction(CUSTOM, 'readonly'))
  }

  /** Sets the generation. It is stored in one transaction with the next update, never after it. */
  setGeneration(generation: string): void {
    if (this.#state !== 'open') return
    this.#generation = generation
    this.#startFlush()
  }

  /** Notes which state of the document the server has in full, as `stateOf` of `saved-notes.ts` tells it. */
  noteSaved(state: string): void {
    if (this.#state !== 'open') return
    this.#saved = state
    this.#startFlush()
  }

  /** Stores the queued updates and closes the database. */
  async close(): Promise<void> {
    this.#state = 'closed'
    clearTimeout(this.#rest)
    await this.#flushing
    this.#db.close()
  }

  async #load(): Promise<OpenedCopy> {
    const transaction = this.#db.transaction([CUSTOM, UPDATES], 'readonly')
    const [generation, saved, updates] = await Promise.all([
      storedGeneration(transaction),
      requestResult<string | undefined>(transaction.objectStore(CUSTOM).get(SAVED)),
      requestResult<Uint8Array[]>(transaction.objectStore(UPDATES).getAll()),
    ])
    if (!this.#events.accepts(generation)) return { state: 'foreign' }
    const isDocEmpty = this.#doc.store.clients.size === 0
    const apply = (): void => {
      for (const update of updates) Y.applyUpdate(this.#doc, update)
    }
    let brought: Uint8Array | undefined
    const onUpdate = (update: Uint8Array): void => {
      brought = update
    }
    try {
      // A document that is in use must not get a part of a copy: the records are tried on another one first.
      if (!isDocEmpty) foldUpdates(updates)
      this.#doc.on('update', onUpdate)
      Y.transact(this.#doc, apply, LOADED, false)
    } catch (cause) {
      const error = new ClientError('local_copy_failed', `the local copy ${this.name} could not be read`, { cause })
      return { state: 'unreadable', error, isDocSpoilt: isDocEmpty }
    } finally {
      this.#doc.off('update', onUpdate)
    }
    // A document that was in use has edits of its own, of which the note says nothing.
    const isNoted = isDocEmpty && isStateOf(this.#doc, saved)
    if (brought !== undefined) this.#events.loaded(brought, isNoted)
    this.#records = updates.length
    if (this.#records >= RECORDS_MAX) await this.#compact()
    if (this.#state !== 'open') throw new Error('the database was closed while it was read')
    return { state: 'open', copy: this, generation, updates }
  }

  #lose(): void {
    if (this.#state !== 'open') return
    this.#state = 'lost'
    this.#events.lost()
  }

  #startFlush(): void {
    if (this.#flushing !== undefined) return
    // Not in the document's event: to create a transaction took 0.4 ms of each keystroke.
    this.#run(nextTask)
  }

  /** Runs work that never rejects, while which the copy is not called kept. Updates that are queued meanwhile are stored after it. */
  #run(work: () => Promise<unknown>): void {
    this.#flushing = work()
      .then(() => this.#flush())
      .then(() => {
        this.#flushing = undefined
        this.#events.changed()
      })
    this.#events.changed()
  }

  #hasWork(): boolean {
    return this.#queue.length > 0 || this.#generation !== undefined || this.#saved !== undefined
  }

  /** Never rejects: a failure is kept as `error`, and the next write stores the whole state instead of its own update. */
  async #flush(): Promise<void> {
    while (this.#hasWork()) {
      const batch = this.#queue
      const [generation, saved] = [this.#generation, this.#saved]
      this.#queue = []
      this.#generation = undefined
      this.#saved = undefined
      const updates = this.#error === undefined ? batch : [Y.encodeStateAsUpdate(this.#doc)]
      if (await this.#attempt(() => this.#store(updates, { [GENERATION]: generation, [SAVED]: saved }))) continue
      this.#generation ??= generation
      return
    }
  }

  /** Runs one piece of work on the database. Resolves with whether it succeeded; a failure is kept as `error`. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await withinPatience(work(), WRITE_PATIENCE_MS)
      this.#error = undefined
      return true
    } catch (cause) {
      this.#error = new ClientError('local_copy_failed', `an edit could not be stored on this device: ${cause}`, {
        cause,
      })
      // After a full disk IndexedDB goes on. After any other failure a connection that is opened anew may work.
      if (!(cause instanceof Error) || cause.name !== 'QuotaExceededError') this.#lose()
      return false
    }
  }

  /** Folds the records once nothing was written for a while. */
  #foldAtRest(): void {
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => {
      // After a failed write the next one stores the whole state: folding would call the copy complete before.
      if (this.#state !== 'open' || this.#error !== undefined) return
      if (this.#flushing !== undefined) return this.#foldAtRest()
      this.#run(() => this.#attempt(() => this.#compact()))
    }, FOLD_REST_MS)
  }

  /** Stores updates and what is noted beside them, in one transaction. A note that is undefined stays as it was. */
  async #store(updates: readonly Uint8Array[], notes: Readonly<Record<string, string | undefined>>): Promise<void> {
    await inTransaction(this.#db, [CUSTOM, UPDATES], 'readwrite', async (transaction) => {
      for (const [key, note] of Object.entries(notes)) {
        if (note !== undefined) await requestResult(transaction.objectStore(CUSTOM).put(note, key))
      }
      if (updates.length > 0) await requestResult(transaction.objectStore(UPDATES).add(Y.mergeUpdates([...updates])))
    })
    if (updates.length === 0) return
    this.#records += 1
    if (this.#records >= RECORDS_LATEST) await this.#compact()
    else if (this.#records >= RECORDS_MAX && this.#state === 'open') this.#foldAtRest()
  }

  /** Folds all records, other tabs' included, into one, in one transaction. This tab's document does not get the others'. */
  async #compact(): Promise<void> {
    await inTransaction(this.#db, [UPDATES], 'readwrite', async (transaction) => {
      const store = transaction.objectStore(UPDATES)
      const updates: Uint8Array[] = await requestResult(store.getAll())
      const folded = foldUpdates(updates)
      await requestResult(store.clear())
      await requestResult(store.add(folded))
    })
    this.#records = 1
  }
}

function storedGeneration(transaction: IDBTransaction): Promise<string | undefined> {
  return requestResult(transaction.objectStore(CUSTOM).get(GENERATION))
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}

/** Folds by a document, not by `mergeUpdates`: a document drops deleted text. */
function foldUpdates(updates: readonly Uint8Array[]): Uint8Array {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  const folded = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return folded
}

const LOADED: unique symbol = Symbol('joinery local copy')

/** True for the origin of the transaction that loads the local copy into the document. */
export function isLocalCopyOrigin(origin: unknown): boolean {
  return origin === LOADED
}

/** Creates the stores of y-indexeddb's layout. */
function createStores(db: IDBDatabase): void {
  db.createObjectStore(UPDATES, { autoIncrement: true })
  db.createObjectStore(CUSTOM)
}
