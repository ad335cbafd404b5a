import * as Y from 'yjs'
import { ClientError } from './client-error.ts'
import { inTransaction, openDatabase, requestResult } from './indexed-db.ts'

const UPDATES = 'updates'
const CUSTOM = 'custom'
const GENERATION = 'joinery-generation'
/** With so many records, the next open or write folds them into one. As y-indexeddb does. */
const RECORDS_MAX = 500

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
  readonly #onChange: () => void
  #queue: Uint8Array[] = []
  /** A generation not yet stored. */
  #generation: string | undefined
  #records = 0
  #flushing: Promise<void> | undefined
  #error: ClientError | undefined
  #isClosed = false

  private constructor(name: string, doc: Y.Doc, db: IDBDatabase, onChange: () => void) {
    this.name = name
    this.#doc = doc
    this.#db = db
    this.#onChange = onChange
  }

  /**
   * Opens database `name` and applies what it holds to `doc`, in one transaction ({@link isLocalCopyOrigin}). Rejects
   * with `local_copy_failed` when it can't be opened or read. `onChange` is called when `isKept` or `error` may have changed.
   */
  static async open(name: string, doc: Y.Doc, onChange: () => void): Promise<LocalCopy> {
    let db: IDBDatabase
    try {
      db = await openDatabase(name, createStores)
    } catch (cause) {
      throw new ClientError('local_copy_failed', `the local copy ${name} could not be opened`, { cause })
    }
    try {
      const copy = new LocalCopy(name, doc, db, onChange)
      await copy.#load()
      return copy
    } catch (cause) {
      db.close()
      throw new ClientError('local_copy_failed', `the local copy ${name} could not be read`, { cause })
    }
  }

  /** Reads what database `name` holds as one Yjs V1 update. */
  static async read(name: string): Promise<Uint8Array> {
    const doc = new Y.Doc()
    const copy = await LocalCopy.open(name, doc, () => undefined)
    await copy.close()
    const update = Y.encodeStateAsUpdate(doc)
    doc.destroy()
    return update
  }

  /** Whether everything given to `add` is stored. */
  get isKept(): boolean {
    return !this.#hasWork() && this.#flushing === undefined && this.#error === undefined
  }

  /** Why the last write failed; undefined again once a later one brought the copy up to date. */
  get error(): ClientError | undefined {
    return this.#error
  }

  /** Stores one Yjs V1 update, soon: what comes while a transaction runs goes into the next one. */
  add(update: Uint8Array): void {
    if (this.#isClosed) return
    this.#queue.push(update)
    this.#startFlush()
  }

  /** The generation that what is stored belongs to; undefined when nothing in it came from a server. Reads the database. */
  async generation(): Promise<string | undefined> {
    return requestResult(this.#db.transaction(CUSTOM, 'readonly').objectStore(CUSTOM).get(GENERATION))
  }

  /** Notes the generation. It is stored in one transaction with what is added next, never after it. */
  setGeneration(generation: string): void {
    if (this.#isClosed) return
    this.#generation = generation
    this.#startFlush()
  }

  /** Stores what is queued and closes the database. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#flushing
    this.#db.close()
  }

  async #load(): Promise<void> {
    const store = this.#db.transaction(UPDATES, 'readonly').objectStore(UPDATES)
    const updates: Uint8Array[] = await requestResult(store.getAll())
    const apply = (): void => {
      for (const update of updates) Y.applyUpdate(this.#doc, update)
    }
    Y.transact(this.#doc, apply, LOADED, false)
    this.#records = updates.length
    if (this.#records >= RECORDS_MAX) await this.#compact()
  }

  #startFlush(): void {
    if (this.#flushing !== undefined) return
    // Not in the document's event: to create a transaction took 0.4 ms of each keystroke.
    this.#flushing = nextTask()
      .then(() => this.#flush())
      .then(() => {
        this.#flushing = undefined
        this.#onChange()
      })
    this.#onChange()
  }

  #hasWork(): boolean {
    return this.#queue.length > 0 || this.#generation !== undefined
  }

  /** Never rejects: a failure is kept as `error`, and the next write brings the whole state instead of its own part. */
  async #flush(): Promise<void> {
    while (this.#hasWork()) {
      const batch = this.#queue
      const generation = this.#generation
      this.#queue = []
      this.#generation = undefined
      try {
        await this.#store(this.#error === undefined ? batch : [Y.encodeStateAsUpdate(this.#doc)], generation)
        this.#error = undefined
      } catch (cause) {
        this.#error = new ClientError('local_copy_failed', `an edit could not be stored on this device: ${cause}`, {
          cause,
        })
        this.#generation ??= generation
        return
      }
    }
  }

  async #store(updates: readonly Uint8Array[], generation: string | undefined): Promise<void> {
    await inTransaction(this.#db, [CUSTOM, UPDATES], 'readwrite', async (transaction) => {
      if (generation !== undefined) await requestResult(transaction.objectStore(CUSTOM).put(generation, GENERATION))
      if (updates.length > 0) await requestResult(transaction.objectStore(UPDATES).add(Y.mergeUpdates([...updates])))
    })
    this.#records += 1
    if (this.#records >= RECORDS_MAX) await this.#compact()
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
