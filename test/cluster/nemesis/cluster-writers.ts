import { setTimeout as delay } from 'node:timers/promises'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { expect } from 'vitest'
import { Ledger, type LedgerWriter } from '../../crash/ledger-writer.ts'
import { SdkWriter } from '../../crash/sdk-writer.ts'
import { WireWriter } from '../../crash/wire-writer.ts'
import { type Random, randomBelow } from '../../support/seeded-random.ts'
import { connectStock, type StockClient, type StockVersion } from '../../support/stock-client.ts'
import { until } from '../../support/until.ts'
import { HttpWriter } from './http-writer.ts'

const WORKSPACES = 4
const TYPING_MS = 20
const AGAIN_MS = 100

/** A stock client: nobody tells it what is saved, and it keeps what it has typed until it is in sync again. */
class StockWriter implements LedgerWriter {
  readonly name: string
  readonly workspace: string
  readonly ledger: Ledger
  readonly #client: StockClient

  constructor(url: string, workspace: string, name: string, version: StockVersion) {
    this.name = name
    this.workspace = workspace
    this.ledger = new Ledger(name)
    this.#client = connectStock({ version, url, workspace })
  }

  entries(): string[] {
    return this.#client.doc.getArray<string>('entries').toArray()
  }

  type(): void {
    this.#client.doc.getArray<string>('entries').push([this.ledger.next()])
  }

  async stop(): Promise<void> {
    this.#client[Symbol.dispose]()
  }
}

/** A job that makes one keyed edit after the other, and repeats each under its key until it is answered. */
class KeyedWriter implements LedgerWriter {
  readonly name: string
  readonly workspace: string
  readonly ledger: Ledger
  readonly #url: string
  #client: Workspace
  #isBusy = false
  #isStopped = false

  constructor(url: string, workspace: string, name: string) {
    this.#url = url
    this.name = name
    this.workspace = workspace
    this.ledger = new Ledger(name)
    this.#client = this.#connect()
  }

  entries(): string[] {
    return this.#client.doc.getArray<string>('entries').toArray()
  }

  type(): void {
    if (!this.#isBusy) void this.#write(this.ledger.next())
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#client.close()
  }

  #connect(): Workspace {
    const { name: actor, workspace } = this
    return connectWorkspace({ url: this.#url, workspace, actor, source: 'workflow_execution', offline: false })
  }

  async #write(entry: string): Promise<void> {
    this.#isBusy = true
    const count = this.ledger.typed.length
    while (!this.#isStopped) {
      try {
        const write = ({ doc }: { doc: Workspace['doc'] }): void => void doc.getArray<string>('entries').push([entry])
        const { lsn } = await this.#client.transactOnce(write, { idempotencyKey: entry })
        this.ledger.acknowledge(count, lsn)
        break
      } catch {
        // A job that hears an error begins anew, with the same key.
        if (this.#isStopped) break
        await this.#client.close()
        await delay(AGAIN_MS)
        this.#client = this.#connect()
      }
    }
    this.#isBusy = false
  }
}

/** People and jobs at a cluster: they go on writing, whatever happens to it. */
export class ClusterWriters {
  readonly all: readonly LedgerWriter[]
  readonly workspaces: readonly string[]
  readonly #acknowledging: readonly LedgerWriter[]
  readonly #random: Random
  #typing: NodeJS.Timeout | undefined

  constructor(url: string, random: Random) {
    this.#random = random
    this.workspaces = Array.from({ length: WORKSPACES }, (_, n) => `cluster-${n}`)
    const each = (make: (workspace: string, n: number) => LedgerWriter) => this.workspaces.map(make)
    this.#acknowledging = [
      ...each((workspace, n) => new SdkWriter(url, workspace, `sdk-${n}`)),
      ...each((workspace, n) => new WireWriter(url, workspace, `wire-${n}`)),
      ...each((workspace, n) => new KeyedWriter(url, workspace, `keyed-${n}`)),
      ...each((workspace, n) => new HttpWriter(url, workspace, `http-${n}`)),
    ]
    const stock = each((workspace, n) => new StockWriter(url, workspace, `stock-${n}`, n % 2 === 0 ? '2.1' : '3.1'))
    this.all = [...this.#acknowledging, ...stock]
  }

  get acknowledged(): number {
    return this.#acknowledging.reduce((sum, { ledger }) => sum + ledger.acknowledged, 0)
  }

  startTyping(): void {
    this.#typing ??= setInterval(() => this.all[randomBelow(this.#random, this.all.length)]?.type(), TYPING_MS)
  }

  stopTyping(): void {
    clearInterval(this.#typing)
    this.#typing = undefined
  }

  /** Resolves once something that is typed from now on is acknowledged in each workspace. */
  async untilGoingOn(): Promise<void> {
    const before = this.#acknowledging.map((writer) => ({ writer, count: writer.ledger.typed.length }))
    const isGoingOn = (workspace: string): boolean =>
      before.some(({ writer, count }) => writer.workspace === workspace && writer.ledger.acknowledged > count)
    await until('new edits of every workspace are acknowledged', () => this.workspaces.every(isGoingOn))
  }

  /** All that was acknowledged until now, by writer: entries, and the last record. */
  ledgers(): { writer: LedgerWriter; acknowledged: readonly string[]; lsn: number }[] {
    return this.all.map((writer) => ({
      writer,
      acknowledged: writer.ledger.typed.slice(0, writer.ledger.acknowledged),
      lsn: writer.ledger.lsn,
    }))
  }

  /** Resolves when all that was typed is acknowledged and at every client; fails unless all hold the same, each entry once. */
  async settle(): Promise<void> {
    const isAcknowledged = (): boolean => this.#acknowledging.every(({ ledger }) => ledger.isAcknowledged)
    await until('all that was typed is acknowledged', isAcknowledged)
    for (const workspace of this.workspaces) {
      const writers = this.all.filter((writer) => writer.workspace === workspace && !(writer instanceof HttpWriter))
      const typed = writers.flatMap(({ ledger }) => ledger.typed).sort()
      const haveAll = (): boolean => writers.every((writer) => writer.entries().length >= typed.length)
      await until(`all in ${workspace} have all entries`, haveAll)
      for (const writer of writers) {
        expect(writer.entries().toSorted(), `${writer.name}: each entry once`).toEqual(typed)
        expect(writer.entries(), `${writer.name} in ${workspace}`).toEqual(writers[0]?.entries())
      }
    }
  }

  async stop(): Promise<void> {
    this.stopTyping()
    await Promise.all(this.all.map((writer) => writer.stop()))
  }
}
