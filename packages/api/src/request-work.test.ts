import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import { API_LIMITS } from './api-limits.ts'
import { PayingCallers, TURN_MS } from './request-work.ts'
import { ApiFixture } from './testing/api-fixture.ts'

it('[H130] a request lets others have their turns once its parts have taken a turn, and not before', async () => {
  let costMs = 0
  const costs = { book: (_payer: unknown, sinceMs: number) => sinceMs + costMs, restOf: () => 0 }
  const work = new PayingCallers(costs, API_LIMITS).begin({ principal: 'ada', workspace: 'w' as WorkspaceId })
  /** Whether others have had a turn by the end of the breath. */
  const breathes = async (partMs: number): Promise<boolean> => {
    costMs = partMs
    work.part(() => undefined)
    let isOthersTurn = false
    setImmediate(() => {
      isOthersTurn = true
    })
    await work.breathe()
    return isOthersTurn
  }
  expect(await breathes(TURN_MS / 2)).toBe(false)
  expect(await breathes(TURN_MS / 2)).toBe(true)
  expect(await breathes(TURN_MS / 2)).toBe(false)
  expect(await breathes(TURN_MS)).toBe(true)
})

it('[H130] the reading, parsing, looking through, checking and writing of a large body are paid for one by one', async () => {
  await using api = await ApiFixture.start()
  const { costs } = api.server
  const { book } = costs
  let turn = 0
  const turns: number[] = []
  // As if each part had taken a whole turn.
  costs.book = (payer, sinceMs, isOneTurn) => {
    turns.push(turn)
    setImmediate(() => turn++)
    return book.call(costs, payer, sinceMs, isOneTurn) + TURN_MS
  }
  const data = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`k${at}`, at]))
  expect((await api.call('PUT', '/blocks/b', { type: 'text', data })).status).toBe(201)
  // Text, JSON, faults, schema, the write and its answer: some turns have several bookings, such as the steps of the write.
  expect(new Set(turns).size).toBeGreaterThanOrEqual(6)
})
