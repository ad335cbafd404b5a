import { setTimeout as delay } from 'node:timers/promises'
import { CLAIM_LISTS, type LongWork, readDocument } from '@joinery/blocks'
import type { Payer, WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { API_LIMITS } from '../api-limits.ts'
import type { BlockView } from '../block-view.ts'
import { PayingCallers } from '../request-work.ts'
import { ApiFixture } from '../testing/api-fixture.ts'
import { freeWork } from '../testing/free-work.ts'
import { inTurns, paced, pacedFor } from './paced.ts'
import { diffWorkspaces } from './workspace-diff.ts'

const W = 'w' as WorkspaceId
/** A wait that is far longer than the work, ms. */
const WAIT_MS = 500

/** Counts the turns of the event loop until it is disposed of. */
class TurnCount implements Disposable {
  turns = 0
  #next = setImmediate(() => this.#count())

  #count(): void {
    this.turns++
    this.#next = setImmediate(() => this.#count())
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#next)
  }
}

/** Yields items without a turn of the event loop in between, as a log in memory does. */
async function* atOnce<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item
}

function busyFor(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

it('[H26] records that take long are taken with turns for others in between, however few they are', async () => {
  using count = new TurnCount()
  for await (const _item of paced(atOnce([1, 2, 3, 4]))) busyFor(6)
  expect(count.turns).toBeGreaterThanOrEqual(3)
})

it('[H62] the caller pays for reading and processing records, and not for waiting', async () => {
  const paid: number[] = []
  const costs = { book: (_payer: Payer, sinceMs: number) => paid.push(performance.now() - sinceMs), restOf: () => 0 }
  const work = new PayingCallers(costs, API_LIMITS).begin({ principal: 'ada', workspace: W })
  const slow = async function* (): AsyncGenerator<number> {
    await delay(WAIT_MS)
    for (const item of [1, 2, 3]) yield item
    await delay(WAIT_MS)
  }
  for await (const _item of pacedFor(slow(), work)) busyFor(4)
  const total = paid.reduce((sum, ms) => sum + ms, 0)
  expect(total).toBeGreaterThanOrEqual(3 * 4)
  expect(total).toBeLessThan(2 * WAIT_MS)
})

it('[H26] others have their turn after each text that a diff compares', async () => {
  const block = (id: number, content: string): BlockView => ({
    id: String(id),
    type: 'text',
    content,
    indexingList: [],
    fields: {},
    statuses: [],
    data: {},
    version: 1,
    updatedBy: null,
  })
  using count = new TurnCount()
  const before = [1, 2, 3, 4].map((id) => block(id, 'before'))
  const content = readDocument(new Y.Doc(), CLAIM_LISTS)
  const after = before.map((was) => ({ ...was, content: 'after' }))
  const { changed } = await diffWorkspaces(
    { blocks: before, content },
    { blocks: after, content },
    CLAIM_LISTS,
    freeWork(W),
  )
  expect(changed).toHaveLength(4)
  expect(count.turns).toBeGreaterThanOrEqual(3)
})

it('[H26] the past is replayed with turns for others in between, by the bytes of its records', async () => {
  await using api = await ApiFixture.start()
  for (let n = 0; n < 5; n++) {
    await api.call('PUT', '/blocks/b', { type: 'text', content: String(n).repeat(300_000) })
  }
  using count = new TurnCount()
  const { doc } = await api.server.workspaces.past('w' as WorkspaceId, { lsn: 5 })
  doc.destroy()
  expect(count.turns).toBeGreaterThanOrEqual(4)
})

it('[H120] long work has a pause after each part of 5 ms by the clock, and ends with its result', async () => {
  let nowMs = 0
  let [parts, pauses] = [0, 0]
  function* steps(): LongWork<string> {
    for (let step = 0; step < 100; step++) {
      nowMs++
      yield
    }
    return 'done'
  }
  const pace = {
    part: <T>(work: () => T): T => {
      parts++
      return work()
    },
    pause: () => Promise.resolve(pauses++),
  }
  expect(await inTurns(steps(), pace, () => nowMs)).toBe('done')
  expect([parts, pauses]).toEqual([21, 20])
})
