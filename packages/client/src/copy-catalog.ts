import type { RejectionCode } from '@joinery/protocol'
import { uuidv4 } from 'lib0/random'
import { deleteDatabase, inTransaction, openDatabase, requestResult } from './indexed-db.ts'

/** Why a local copy was set aside. */
export type SetAsideCause =
  /** The server's workspace is another one than the copy's: it was deleted and made anew, or restored. */
  | { readonly cause: 'generation_changed'; readonly generation: string | undefined }
  /** The workspace was deleted on the server. */
  | { readonly cause: 'workspace_deleted'; readonly reason: string }
  /** The server refused edits; `update` holds them, as one Yjs V1 update on top of what the server has. */
  | { readonly cause: 'rejected'; readonly code: RejectionCode; readonly reason: string; readonly update: Uint8Array }
  /** IndexedDB gave back something that is no Yjs update. */
  | { readonly cause: 'unreadable'; readonly reason: string }

/** One local copy, or what became of it. */
export interface CopyRecord {
  /** Name of its database, which has y-indexeddb's layout. */
  readonly name: string
  /** The server and workspace it is a copy of: `documentKey`. */
  readonly document: string
  readonly createdAtMs: number
  /** Undefined while the copy is in use. */
  readonly setAside?: SetAsideCause & { readonly atMs: number }
}

/** Names the document in the browser's storage: server and workspace, so that two servers don't mix. */
export function documentKey(url: string, workspace: string): string {
  return `${url}/${workspace}`
}

const STORE = 'copies'

/**
 * Which IndexedDB database holds the local copy of which document. A copy is never renamed or emptied, only marked: other
 * tabs may have it open, and what they still write must not land in its successor.
 */
export class CopyCatalog {
  readonly #prefix: string
  readonly #db: IDBDatabase

  private constructor(prefix: string, db: IDBDatabase) {
    this.#prefix = prefix
    this.#db = db
  }

  /** `prefix` starts the name of every database. Rejects where IndexedDB does not work (private windows, blocked storage). */
  static async open(prefix: string): Promise<CopyCatalog> {
    const create = (db: IDBDatabase): void => {
      db.createObjectStore(STORE, { keyPath: 'name' }).createIndex('document', 'document')
    }
    return new CopyCatalog(prefix, await openDatabase(`${prefix}-catalog`, create))
  }

  /** The copy in use for `document`, made if there is none. Two tabs that ask at once get the same. */
  use(document: string, nowMs: number): Promise<CopyRecord> {
    return this.#write(async (store) => {
      const records = await recordsOf(store, document)
      const inUse = records.find((record) => record.setAside === undefined)
      if (inUse !== undefined) return inUse
      const record: CopyRecord = { name: `${this.#prefix}:${document}:${uuidv4()}`, document, createdAtMs: nowMs }
      await requestResult(store.add(record))
      return record
    })
  }

  /** Takes copy `name` out of use. If another tab has done so already, its reason stays. */
  setAside(name: string, cause: SetAsideCause, nowMs: number): Promise<void> {
    return this.#write(async (store) => {
      const record: CopyRecord | undefined = await requestResult(store.get(name))
      if (record === undefined || record.setAside !== undefined) return
      const marked: CopyRecord = { ...record, setAside: { ...cause, atMs: nowMs } }
      await requestResult(store.put(marked))
    })
  }

  /** The copies of `document` that were set aside, oldest first. */
  async listSetAside(document: string): Promise<CopyRecord[]> {
    const records = await recordsOf(this.#db.transaction(STORE, 'readonly').objectStore(STORE), document)
    const aside = records.filter((record) => record.setAside !== undefined)
    return aside.sort((a, b) => (a.setAside?.atMs ?? 0) - (b.setAside?.atMs ?? 0))
  }

  async get(name: string): Promise<CopyRecord | undefined> {
    return requestResult(this.#db.transaction(STORE, 'readonly').objectStore(STORE).get(name))
  }

  /** Deletes copy `name` for good. */
  async discard(name: string): Promise<void> {
    await deleteDatabase(name)
    await this.#write((store) => requestResult(store.delete(name)))
  }

  #write<T>(body: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    return inTransaction(this.#db, [STORE], 'readwrite', (transaction) => body(transaction.objectStore(STORE)))
  }

  close(): void {
    this.#db.close()
  }
}

function recordsOf(store: IDBObjectStore, document: string): Promise<CopyRecord[]> {
  return requestResult(store.index('document').getAll(document))
}
