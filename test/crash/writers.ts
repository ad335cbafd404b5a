import { expect } from 'vitest'
import { RawClient } from '../support/raw-client.ts'
import { type Random, randomBelow } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'
import type { LedgerWriter, TokenMaker } from './ledger-writer.ts'
import { SdkWriter } from './sdk-writer.ts'
import { WireWriter } from './wire-writer.ts'

const WRITERS = 20
const WORKSPACES = 4
/** About how often one writer, picked at random, types an entry. */
const TYPING_MS = 2
/** One restless writer leaves each time about this many entries were typed. */
const ENTRIES_PER_DEPARTURE = 50

/**
 * Twenty people in four workspaces, half of them with the SDK. They go on typing, whatever happens to the server.
 * `restless` more people, each alone in a workspace, come and go.
 */
export class Writers {
  readonly all: readonly LedgerWriter[]
  readonly workspaces: readonly string[]
  readonly #restless: readonly WireWriter[]
  readonly #random: Random
  readonly #makeToken: TokenMaker | undefined
  #typing: NodeJS.Timeout | undefined

  /** `makeToken` is for a server with keys. */
  constructor(
    url: string,
    random: Random,
    { restless = 0, makeToken }: { restless?: number; makeToken?: TokenMaker } = {},
  ) {
    this.#random = random
    this.#makeToken = makeToken
    const settled = Array.from({ length: WRITERS }, (_, index) => {
      const workspace = `crash-${index % WORKSPACES}`
      const isEven = Math.floor(index / WORKSPACES) % 2 === 0
      return isEven
        ? new WireWriter(url, workspace, `wire-${index}`, makeToken)
        : new SdkWriter(url, workspace, `sdk-${index}`, makeToken)
    })
    this.#restless = Array.from(
      { length: restless },
      (_, n) => new WireWriter(url, `alone-${n}`, `restless-${n}`, makeToken),
    )
    this.all = [...settled, ...this.#restless]
    this.workspaces = [...new Set(this.all.map(({ workspace }) => workspace))]
  }

  startTyping(): void {
    this.#typing ??= setInterval(() => {
      this.#pick(this.all)?.type()
      if (randomBelow(this.#random, ENTRIES_PER_DEPARTURE) === 0) this.#pick(this.#restless)?.cut()
    }, TYPING_MS)
  }

  #pick<W>(from: readonly W[]): W | undefined {
    return from[randomBelow(this.#random, from.length)]
  }

  stopTyping(): void {
    clearInterval(this.#typing)
    this.#typing = undefined
  }

  /** Fails unless everything that was acknowledged to anybody stands in `entries`, which holds each workspace's. */
  expectAcknowledged(entries: ReadonlyMap<string, readonly string[]>): void {
    for (const { name, workspace, ledger } of this.all) {
      const held = new Set(entries.get(workspace))
      const lost = ledger.typed.slice(0, ledger.acknowledged).filter((entry) => !held.has(entry))
      expect(lost, `acknowledged to ${name} and lost`).toEqual([])
    }
  }

  /** Resolves when everything typed is acknowledged; fails unless everybody, and a newcomer, then holds all of it. */
  async settle(url: string): Promise<void> {
    const isSettled = () => this.all.every(({ ledger }) => ledger.isAcknowledged)
    await until('all that was typed is acknowledged', isSettled)
    const token = await this.#makeToken?.('newcomer')
    for (const workspace of this.workspaces) {
      const writers = this.all.filter((writer) => writer.workspace === workspace)
      const typed = writers.flatMap(({ ledger }) => ledger.typed).sort()
      const haveAll = () => writers.every((writer) => writer.entries().length >= typed.length)
      await until(`all in ${workspace} hold all entries`, haveAll)
      const fresh = await RawClient.open({ url, path: workspace, ...(token !== undefined && { query: { token } }) })
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
