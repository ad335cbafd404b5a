import type { WorkspaceHistory } from '@joinery/client'
import type { Author } from './author-runs.ts'

/** Records of one request, and requests for one text: the first 40,000 records of a block tell nearly all of its clients. */
const PAGE_RECORDS = 1_000
const PAGES_MAX = 40

/** Authors by the client id under which they wrote. A client id is one writer's for good, so that a known one is never asked again. */
export class ClientAuthors {
  readonly #known = new Map<number, Author>()
  /** LSN up to which the records of a block were read. */
  readonly #read = new Map<string, number>()

  get known(): ReadonlyMap<number, Author> {
    return this.#known
  }

  /** Notes a writer that is known without the log: this page itself. */
  note(client: number, author: Author): void {
    this.#known.set(client, author)
  }

  /**
   * Reads the log of `block` until each of `clients` has an author, or to its end. Rejects as `source` does. A record that may hold
   * others' edits names nobody.
   */
  async find(
    source: Pick<WorkspaceHistory, 'records'>,
    block: string,
    clients: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<void> {
    const isDone = (): boolean => [...clients].every((client) => this.#known.has(client))
    for (let pages = 0; pages < PAGES_MAX && !isDone(); pages++) {
      const after = this.#read.get(block) ?? 0
      const page = await source.records({ block, after, limit: PAGE_RECORDS, as: 'clients', signal })
      for (const { clients: wrote = [], mayBeOthers, actor, source } of page.records) {
        if (mayBeOthers === true) continue
        for (const client of wrote) if (!this.#known.has(client)) this.#known.set(client, { actor, source })
      }
      const last = page.next ?? page.records.at(-1)?.lsn
      if (last !== undefined) this.#read.set(block, Math.max(after, last))
      if (page.next === undefined) return
    }
  }
}
