import { uuidv4 } from 'lib0/random'
import type { SetAsideCause } from './document-reset.ts'
import { deleteDatabase, inTransaction, openDatabase, requestResult } from './indexed-db.ts'
import { LocalCopy } from './local-copy.ts'

/** A local copy that is no longer used, as `listSetAside` returns it. */
export type SetAsideCopy = SetAsideCause & {
  /** For `readSetAside` and `discardSetAside`. */
  readonly id: string
  /** When it was set aside, ms since epoch. */
  readonly atMs: number
}

/** One local copy in the catalog. */
interface CopyRecord {
  /** Name of the copy's database, which has y-indexeddb's layout. */
  readonly name: string
  readonly document: string
  readonly createdAtMs: number
  /** When it was opened last; absent in records of earlier versions. */
  readonly usedAtMs?: number
  /** The actor of its edits; absent before a server has named them. */
  readonly actor?: string
  /** Undefined while the copy is in use. */
  readonly setAside?: SetAsideCause & { readonly atMs: number }
}

/** The copy that {@link LocalCopies.use} chose. */
export interface CopyInUse {
  readonly name: string
  /** The actor of its edits; undefined before a server has named them. */
  readonly actor: string | undefined
}

const CATALOG = 'copies'

/**
 * The local copies of one document: the one in use, and those set aside. To set a copy aside, it is marked, never renamed or
 * emptied: other tabs may have it open, and their later writes must not get into its successor.
 */
export class LocalCopies {
  readonly #prefix: string
  readonly #document: string
  readonly #db: IDBDatabase

  private constructor(prefix: string, document: string, db: IDBDatabase) {
    this.#prefix = prefix
    this.#document = document
    this.#db = db
  }

  /**
   * Opens the catalog. `onClosed` is called when the browser closes it. `prefix` begins the name of every database. `document` is server and workspace, so that two servers don't
   * share a copy. Rejects where IndexedDB does not work (private windows, blocked storage). The caller closes it.
   */
  static async open(prefix: string, document: string, onClosed: () => void): Promise<LocalCopies> {
    const create = (db: IDBDatabase): void => {
      db.createObjectStore(CATALOG, { keyPath: 'name' }).createIndex('document', 'document')
    }
    return new LocalCopies(prefix, document, await openDatabase(`${prefix}-catalog`, create, onClosed))
  }

  /**
   * The copy in use, which is created if there is none: that of `actor`, or one that is nobody's yet. While it is not known who
   * asks, the copy that was used last. Two tabs that ask at once get the same copy.
   */
  use(actor: string | undefined): Promise<CopyInUse> {
    return this.#write(async (catalog) => {
      const copies = (await this.#records(catalog)).filter(({ setAside }) => setAside === undefined)
      const usedAtMs = Date.now()
      const unused: CopyRecord = {
        name: `${this.#prefix}:${this.#document}:${uuidv4()}`,
        document: this.#document,
        createdAtMs: usedAtMs,
      }
      const last = [...copies].sort((a, b) => (b.usedAtMs ?? 0) - (a.usedAtMs ?? 0))[0]
      const own = copies.find((copy) => copy.actor === actor) ?? copies.find((copy) => copy.actor === undefined)
      const found = (actor === undefined ? last : own) ?? unused
      const record: CopyRecord = { ...found, usedAtMs }
      await requestResult(catalog.put(record))
      return { name: record.name, actor: record.actor }
    })
  }

  /** Notes that the edits of copy `name` are by `actor`. Returns false if they are by another. */
  claim(name: string, actor: string): Promise<boolean> {
    return this.#write(async (catalog) => {
      const record: CopyRecord | undefined = await requestResult(catalog.get(name))
      if (record === undefined || record.actor !== undefined) return record?.actor === actor
      await requestResult(catalog.put({ ...record, actor }))
      return true
    })
  }

  /** Sets copy `name` aside. If another tab has done so already, its cause stays. */
  setAside(name: string, cause: SetAsideCause): Promise<void> {
    return this.#write(async (catalog) => {
      const record: CopyRecord | undefined = await requestResult(catalog.get(name))
      if (record === undefined || record.setAside !== undefined) return
      const marked: CopyRecord = { ...record, setAside: { ...cause, atMs: Date.now() } }
      await requestResult(catalog.put(marked))
    })
  }

  /** The copies that were set aside, oldest first. */
  async list(): Promise<SetAsideCopy[]> {
    const records = await this.#records(this.#reader())
    const aside = records.flatMap(({ name, setAside }) => (setAside === undefined ? [] : [{ id: name, ...setAside }]))
    return aside.sort((a, b) => a.atMs - b.atMs)
  }

  /** The refused edits, or else the whole copy, as one Yjs V1 update; undefined when there is no such copy. */
  async read(id: string): Promise<Uint8Array | undefined> {
    const setAside = await this.#setAsideOf(id)
    if (setAside === undefined) return undefined
    return setAside.cause === 'rejected' ? setAside.update : LocalCopy.read(id)
  }

  /** Deletes a copy that was set aside. Any other copy stays. */
  async discard(id: string): Promise<void> {
    if ((await this.#setAsideOf(id)) === undefined) return
    await deleteDatabase(id)
    await this.#write((catalog) => requestResult(catalog.delete(id)))
  }

  close(): void {
    this.#db.close()
  }

  async #setAsideOf(id: string): Promise<CopyRecord['setAside']> {
    const record: CopyRecord | undefined = await requestResult(this.#reader().get(id))
    return record?.setAside
  }

  #reader(): IDBObjectStore {
    return this.#db.transaction(CATALOG, 'readonly').objectStore(CATALOG)
  }

  #write<T>(body: (catalog: IDBObjectStore) => Promise<T>): Promise<T> {
    return inTransaction(this.#db, [CATALOG], 'readwrite', (transaction) => body(transaction.objectStore(CATALOG)))
  }

  #records(catalog: IDBObjectStore): Promise<CopyRecord[]> {
    return requestResult(catalog.index('document').getAll(this.#document))
  }
}
