import type { SetAsideCause } from './document-reset.ts'
import { LocalCopies, type SetAsideCopy } from './local-copies.ts'
import { withinPatience } from './patience.ts'

/** A local copy to take out of use, and why. */
export interface SettingAside {
  readonly name: string
  readonly cause: SetAsideCause
}

/** The local copies of one workspace. Opens their catalog, and opens it again after the browser has closed it. */
export class KeptCopies {
  readonly #prefix: string
  readonly #document: string
  #catalog: Promise<LocalCopies> | undefined
  #isClosed = false

  /** See {@link LocalCopies.open}. */
  constructor(prefix: string, document: string) {
    this.#prefix = prefix
    this.#document = document
  }

  /** The catalog, for a caller that can wait: IndexedDB may never answer. Rejects where it does not work. */
  async catalog(): Promise<LocalCopies> {
    if (this.#catalog !== undefined) return this.#catalog
    const forget = (): void => {
      if (this.#catalog === opening) this.#catalog = undefined
    }
    const opening = LocalCopies.open(this.#prefix, this.#document, forget)
    this.#catalog = opening
    opening.then((catalog) => this.#isClosed && catalog.close(), forget)
    return opening
  }

  /** The copies that were set aside. Empty where IndexedDB does not open. */
  async list(): Promise<SetAsideCopy[]> {
    let catalog: LocalCopies
    try {
      catalog = await withinPatience(this.catalog())
    } catch {
      // The workspace has told of it: no copy is kept.
      return []
    }
    return withinPatience(catalog.list())
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    return withinPatience(this.catalog().then((catalog) => catalog.read(id)))
  }

  async discard(id: string): Promise<void> {
    await withinPatience(this.catalog().then((catalog) => catalog.discard(id)))
  }

  /** Closes the catalog: at once, or as soon as it has opened. */
  close(): void {
    this.#isClosed = true
    this.#catalog?.then(
      (catalog) => catalog.close(),
      () => undefined,
    )
  }
}
