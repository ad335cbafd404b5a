import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ClientError } from './client-error.ts'
import { HistoryPages } from './history-pages.ts'
import type { HistoryRecord, RecordFilter, RecordPage, RecordQuery } from './history-record.ts'
import { connectWorkspace, type Workspace } from './workspace.ts'

let workspace: Workspace
beforeEach(() => {
  vi.useFakeTimers()
  const token = () => new Promise<never>(() => undefined)
  workspace = connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w', offline: false, token })
})
afterEach(async () => {
  vi.useRealTimers()
  await workspace.close()
})

/** The server's side: a log whose last records may not be durable yet, whose first may be dropped, and a network that may fail. */
class Log {
  readonly #records: HistoryRecord[] = []
  #durable = 0
  first = 1
  isDown = false

  write(actor: string): void {
    const lsn = this.#records.length + 1
    this.#records.push({ lsn, actor, at: lsn, source: 'user_action', connection: 'c', touched: [], bytes: 1 })
    workspace.doc.getMap('m').set('lsn', lsn)
  }
  /** As the server tells of it: others hear of an edit first, and of its record when that is durable. */
  sync(): void {
    this.#durable = this.#records.length
    workspace.doc.getMap('m').set('synced', this.#durable)
  }
  /** Newest first. */
  kept({ actor }: RecordFilter): number[] {
    const kept = this.#records.slice(0, this.#durable).filter(({ lsn }) => lsn >= this.first)
    return kept.flatMap((record) => (actor === undefined || record.actor === actor ? [record.lsn] : [])).reverse()
  }
  head = async (): Promise<number> => {
    await this.#network()
    return this.#records.length
  }
  records = async ({ after = 0, limit = 100, actor, signal }: RecordQuery = {}): Promise<RecordPage> => {
    await this.#network()
    signal?.throwIfAborted()
    const start = Math.max(after, this.first - 1)
    const seen = this.#records.slice(start, Math.max(start, Math.min(this.#durable, start + 7)))
    const records = seen.filter((record) => actor === undefined || record.actor === actor).slice(0, limit)
    const isFull = records.length >= limit
    const isEnd = start + seen.length >= this.#durable && !isFull
    return { records, next: isEnd ? undefined : isFull ? records.at(-1)?.lsn : seen.at(-1)?.lsn }
  }
  async #network(): Promise<void> {
    await Promise.resolve()
    if (this.isDown) throw new ClientError('unreachable', 'the network is down')
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), actor: fc.constantFrom('ann', 'bob') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('sync', 'more', 'wait') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('down', 'up', 'leave', 'return') }) },
)

describe('pages of history', () => {
  it('[C73] show every record that passes, once and newest first, whatever is written, lost and asked for meanwhile', async () => {
    const plan = fc.record({
      before: fc.array(fc.constantFrom('ann', 'bob'), { maxLength: 40 }),
      dropped: fc.nat({ max: 10 }),
      actor: fc.option(fc.constantFrom('ann', 'bob', 'nobody'), { nil: undefined }),
      pageRecords: fc.integer({ min: 1, max: 5 }),
      steps: fc.array(step, { maxLength: 30 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ before, dropped, actor, pageRecords, steps }) => {
        const filter = actor === undefined ? {} : { actor }
        const log = new Log()
        for (const writer of before) log.write(writer)
        log.sync()
        log.first = Math.min(dropped, before.length) + 1
        const pages = new HistoryPages(workspace, log, filter, pageRecords)
        const shown = (): number[] => pages.get().records.map(({ lsn }) => lsn)
        const expectNoGap = (): void => {
          const kept = log.kept(filter)
          const from = kept.indexOf(shown()[0] ?? -1)
          if (shown().length > 0) expect(shown()).toEqual(kept.slice(from, from + shown().length))
        }
        let leave: (() => void) | undefined = pages.subscribe(expectNoGap)
        for (const { do: what, ...rest } of steps) {
          if (what === 'write') log.write((rest as { actor: string }).actor)
          if (what === 'sync') log.sync()
          if (what === 'more') pages.more()
          if (what === 'wait') await vi.advanceTimersByTimeAsync(500)
          if (what === 'down' || what === 'up') log.isDown = what === 'down'
          if (what === 'leave') {
            leave?.()
            leave = undefined
          }
          if (what === 'return') leave ??= pages.subscribe(expectNoGap)
          expectNoGap()
        }
        log.isDown = false
        leave ??= pages.subscribe(expectNoGap)
        log.sync()
        await vi.advanceTimersByTimeAsync(1_000)
        while (pages.get().hasMore || pages.get().error !== undefined) {
          pages.more()
          await vi.advanceTimersByTimeAsync(0)
        }
        await vi.advanceTimersByTimeAsync(1_000)
        expect(shown()).toEqual(log.kept(filter))
        expect(pages.get()).toMatchObject({ isLoading: false, error: undefined })
        leave()
      }),
      { numRuns: process.env.JOINERY_NIGHTLY ? 5_000 : 200 },
    )
  })

  it('[C73] go on when somebody asks for more at the moment they are told that all is read', async () => {
    const log = new Log()
    for (let count = 0; count < 10; count++) log.write('ann')
    log.sync()
    const pages = new HistoryPages(workspace, log, {}, 3)
    pages.subscribe(() => {
      if (!pages.get().isLoading && pages.get().hasMore) pages.more()
    })
    await vi.advanceTimersByTimeAsync(0)
    expect(pages.get().records.map(({ lsn }) => lsn)).toEqual(log.kept({}))
  })

  it('[C73] read what came meanwhile when somebody tries again after a failure', async () => {
    const log = new Log()
    log.write('ann')
    log.sync()
    const pages = new HistoryPages(workspace, log, {}, 3)
    pages.subscribe(() => undefined)
    await vi.advanceTimersByTimeAsync(0)
    log.isDown = true
    log.write('bob')
    log.sync()
    await vi.advanceTimersByTimeAsync(500)
    expect(pages.get()).toMatchObject({ isLoading: false, error: { code: 'unreachable' } })
    log.isDown = false
    pages.more()
    await vi.advanceTimersByTimeAsync(0)
    expect(pages.get()).toMatchObject({ error: undefined, records: [{ actor: 'bob' }, { actor: 'ann' }] })
  })
})
