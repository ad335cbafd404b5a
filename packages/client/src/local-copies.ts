import type * as Y from 'yjs'
import { CopyCatalog, type SetAsideCause } from './copy-catalog.ts'
import { LocalCopy } from './local-copy.ts'

/** A local copy that is no longer used, as `listSetAside` gives it. */
export type SetAsideCopy = SetAsideCause & {
  /** For `readSetAside` and `discardSetAside`. */
  readonly id: string
  /** When it was set aside, ms since epoch. */
  readonly atMs: number
}

/** The local copies of one document: the one in use, and those set aside. */
export class LocalCopies {
  readonly #catalog: CopyCatalog
  readonly #document: string

  private constructor(catalog: CopyCatalog, document: string) {
    this.#catalog = catalog
    this.#document = document
  }

  /** Rejects where IndexedDB does not work. Close it when done. */
  static async of(prefix: string, document: string): Promise<LocalCopies> {
    return new LocalCopies(await CopyCatalog.open(prefix), document)
  }

  /** The name of the copy in use, made if there is none. */
  async use(): Promise<string> {
    return (await this.#catalog.use(this.#document, Date.now())).name
  }

  open(name: string, doc: Y.Doc, onChange: () => void): Promise<LocalCopy> {
    return LocalCopy.open(name, doc, onChange)
  }

  setAside(name: string, cause: SetAsideCause): Promise<void> {
    return this.#catalog.setAside(name, cause, Date.now())
  }

  async list(): Promise<SetAsideCopy[]> {
    const records = await this.#catalog.listSetAside(this.#document)
    return records.flatMap(({ name, setAside }) => (setAside === undefined ? [] : [{ id: name, ...setAside }]))
  }

  /** The refused edits, or else all that the copy holds, as one Yjs V1 update; undefined when there is no such copy. */
  async read(id: string): Promise<Uint8Array | undefined> {
    const record = await this.#catalog.get(id)
    if (record?.setAside === undefined) return undefined
    return record.setAside.cause === 'rejected' ? record.setAside.update : LocalCopy.read(id)
  }

  discard(id: string): Promise<void> {
    return this.#catalog.discard(id)
  }

  close(): void {
    this.#catalog.close()
  }
}
