import { uuidv4 } from 'lib0/random'
import type * as Y from 'yjs'
import type { SetAsideCause } from './document-reset.ts'
import { deleteDatabase, inTransaction, openDatabase, requestResult } from './indexed-db.ts'
import { LocalCopy } from './local-copy.ts'

/** A local copy that is no longer used, as `listSetAside` gives it. */
export type SetAsideCopy = SetAsideCause & {
  /** For `readSetAside` and `discardSetAside`. */
  readonly id: string
  /** When it was set aside, ms since epoch. */
  readonly atMs: number
}

/** One local copy, or what became of it, as the catalog has it. */
interface CopyRecord {
  /** Name of its database, which has y-indexeddb's layout. */
  readonly name: string
  readonly document: string
  readonly createdAtMs: number
  /** Undefined while the copy is in use. */
  readonly setAside?: SetAsideCause & { readonly atMs: number }
}

const CATALOG = 'copies'

/**
 * The local copies of one document: the one in use, and those set aside. A copy is never renamed or emptied, only marked: other
 * tabs may have it open, and what they still write must not land in its successor.
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
   * `prefix` starts the name of every database, `document` is server and workspace, so that two servers don't mix. Rejects
   * where IndexedDB does not work (private windows, blocked storage). Close it when done.
   */
  static async open(prefix: string, document: string): Promise<LocalCopies> {
    const create = (db: IDBDatabase): void => {
      db.createObjectStore(CATALOG, { keyPath: 'name' }).createIndex('document', 'document')
    }
    return new LocalCopies(prefix, document, await openDatabase(`${prefix}-catalog`, create))
  }

  /** The name of the copy in use, made if there is none. Two tabs that ask at once get the same. */
  use(): Promise<string> {
    return this.#write(async (catalog) => {
      const inUse = (await this.#records(catalog)).find(({ setAside }) => setAside === undefined)
      if (inUse !== undefined) return inUse.name
      const name = `${this.#prefix}:${this.#document}:${uuidv4()}`
      const record: CopyRecord = { name, document: this.#document, createdAtMs: Date.now() }
      await requestResult(catalog.add(record))
      return name
    })
  }

  open(name: string, doc: Y.Doc, onChange: () => void): Promise<LocalCopy> {
    return LocalCopy.open(name, doc, onChange)
  }

  /** Takes copy `name` out of use. If another tab has done so already, its reason stays. */
  setAside(name: string, cause: SetAsideCause): Promise<void> {
    return this.#write(async (catalog) => {
      const record: CopyRecord | undefined = await requestResult(catalog.get(name))
      if (record === undefined || record.setAside !== undefined) return
      const marked: CopyRecord = { ...record, setAside: { ...cause, atMs: Date.now() } }
      await requestResult(catalog.put(marked))
    })
  }

  /** Those set aside, oldest first. */
  async list(): Promise<SetAsideCopy[]> {
    const records = await this.#records(this.#reader())
    const aside = records.flatMap(({ name, setAside }) => (setAside === undefined ? [] : [{ id: name, ...setAside }]))
    return aside.sort((a, b) => a.atMs - b.atMs)
  }

  /** The refused edits, or else all that the copy holds, as one Yjs V1 update; undefined when there is no such copy. */
  async read(id: string): Promise<Uint8Array | undefined> {
    const setAside = await this.#setAsideOf(id)
    if (setAside === undefined) return undefined
    return setAside.cause === 'rejected' ? setAside.update : LocalCopy.read(id)
  }

  /** Deletes a copy that was set aside, for good. Does nothing to any other. */
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
