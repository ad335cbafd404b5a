import { ClientError } from './client-error.ts'
import type { SetAsideCause } from './document-reset.ts'
import { LocalCopies, type SetAsideCopy } from './local-copies.ts'

/** The local copies of a workspace, where they are kept. What fails here is told, and the workspace goes on without a copy. */
export class KeptCopies {
  /** Resolves with undefined where no copy is kept. Never rejects. */
  readonly whenOpen: Promise<LocalCopies | undefined>
  readonly #onError: (error: ClientError) => void

  /** `prefix` is undefined where no copy is to be kept; see {@link LocalCopies.open}. */
  constructor(prefix: string | undefined, document: string, onError: (error: ClientError) => void) {
    this.#onError = onError
    this.whenOpen = this.#open(prefix, document)
  }

  async list(): Promise<SetAsideCopy[]> {
    return (await (await this.whenOpen)?.list()) ?? []
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    return (await this.whenOpen)?.read(id)
  }

  async discard(id: string): Promise<void> {
    await (await this.whenOpen)?.discard(id)
  }

  /** Resolves with where the next copy may be kept: nowhere, if `name` could not be taken out of use. Never rejects. */
  async setAside(name: string | undefined, cause: SetAsideCause): Promise<LocalCopies | undefined> {
    const copies = await this.whenOpen
    if (copies === undefined || name === undefined) return copies
    try {
      await copies.setAside(name, cause)
      return copies
    } catch (error) {
      this.#onError(new ClientError('local_copy_failed', 'a copy could not be set aside', { cause: error }))
      return undefined
    }
  }

  async close(): Promise<void> {
    ;(await this.whenOpen)?.close()
  }

  async #open(prefix: string | undefined, document: string): Promise<LocalCopies | undefined> {
    if (prefix === undefined) return undefined
    try {
      return await LocalCopies.open(prefix, document)
    } catch (cause) {
      this.#onError(new ClientError('local_copy_failed', `no local copy is kept: ${cause}`, { cause }))
      return undefined
    }
  }
}
