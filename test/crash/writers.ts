import { expect } from 'vitest'
import { RawClient } from '../support/raw-client.ts'
import { type Random, randomBelow } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'
import { LedgerWriter } from './ledger-writer.ts'

const WRITERS = 20
const WORKSPACES = 4
/** One entry about every so often, by whichever writer chance picks. */
const TYPING_MS = 2

/** Twenty people in four workspaces who never stop typing, whatever happens to the server. */
export class Writers {
  readonly all: readonly LedgerWriter[]
  readonly workspaces: readonly string[]
  readonly #random: Random
  #typing: NodeJS.Timeout | undefined

  constructor(url: string, random: Random) {
    this.#random = random
    this.workspaces = Array.from({ length: WORKSPACES }, (_, index) => `crash-${index}`)
    this.all = Array.from(
      { length: WRITERS },
      (_, index) => new LedgerWriter(url, `crash-${index % WORKSPACES}`, `writer-${index}`),
    )
  }

  startTyping(): void {
    this.#typing ??= setInterval(() => this.all[randomBelow(this.#random, this.all.length)]?.type(), TYPING_MS)
  }

  stopTyping(): void {
    clearInterval(this.#typing)
    this.#typing = undefined
  }

  in(workspace: string): LedgerWriter[] {
    return this.all.filter((writer) => writer.workspace === workspace)
  }

  /** Fails unless everything that was acknowledged to anybody stands in `entries`, which holds each workspace's. */
  expectAcknowledged(entries: ReadonlyMap<string, readonly string[]>): void {
    for (const { name, workspace, typed, acknowledged } of this.all) {
      const held = new Set(entries.get(workspace))
      const lost = typed.slice(0, acknowledged).filter((entry) => !held.has(entry))
      expect(lost, `acknowledged to ${name} and lost`).toEqual([])
    }
  }

  /** Resolves when everybody is acknowledged and holds what everybody in the workspace typed. */
  async settle(url: string): Promise<void> {
    await until('all that was typed is acknowledged', () => this.all.every((writer) => writer.isAcknowledged))
    for (const workspace of this.workspaces) {
      const writers = this.in(workspace)
      const typed = writers.flatMap((writer) => writer.typed).sort()
      await until(`all in ${workspace} hold all entries`, () =>
        writers.every((writer) => writer.entries().length >= typed.length),
      )
      const fresh = await RawClient.open({ url, path: workspace })
      const entries = fresh.doc.getArray<string>('entries').toArray()
      await fresh.close()
      expect([...entries].sort(), `a client that joins ${workspace} now`).toEqual(typed)
      for (const writer of writers) expect(writer.entries(), `${writer.name} in ${workspace}`).toEqual(entries)
    }
  }

  /** Rejects if the server ever refused one of them. */
  async stop(): Promise<void> {
    this.stopTyping()
    await Promise.all(this.all.map((writer) => writer.stop()))
  }
}
