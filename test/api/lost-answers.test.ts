import { expect, it } from 'vitest'
import { runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { startApiServer } from './api-process.ts'
import { type Answer, HttpCaller } from './http-caller.ts'
import { startLossyProxy } from './lossy-proxy.ts'

const CLIENTS = 10
const OPERATIONS = 40
const LOST_SHARE = 0.2

/** Repeats a request under its key until an answer arrives. */
async function insist(caller: HttpCaller, path: string, body: unknown, key: string): Promise<Answer> {
  for (;;) {
    try {
      return await caller.call('POST', path, body, { 'idempotency-key': key })
    } catch (error) {
      if (!/socket hang up|ECONNRESET|cut off/.test(String(error))) throw error
    }
  }
}

it('[H4] every operation takes effect once when a fifth of the answers is lost and clients repeat under one key', async () => {
  const seed = runSeed()
  await using directory = await tempDirectory()
  await using server = await startApiServer({ directory: directory.path })
  await using proxy = await startLossyProxy(server.url, LOST_SHARE, seededRandom(seed))
  using direct = new HttpCaller(server.url)
  await direct.call('PUT', '/v1/workspaces/w/blocks/b', { type: 'text' })
  const numbers = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      using caller = new HttpCaller(proxy.url, { 'x-joinery-actor': `client-${client}` })
      const runs: number[] = []
      for (let operation = 0; operation < OPERATIONS; operation++) {
        const path = '/v1/workspaces/w/blocks/b/indexing/main/runs'
        const { status, json, text } = await insist(caller, path, {}, `${client}.${operation}`)
        expect(status, text).toBe(201)
        runs.push(json.entry.run.no)
      }
      return runs
    }),
  )
  const total = CLIENTS * OPERATIONS
  // Each operation numbered its own run, none was made twice, and each caller was told of its own.
  expect(
    numbers.flat().sort((a, b) => a - b),
    `seed ${seed}`,
  ).toEqual(Array.from({ length: total }, (_, index) => index + 1))
  expect((await direct.call('GET', '/v1/workspaces/w')).json.lsn).toBe(total + 1)
  expect(proxy.lost()).toBeGreaterThan(0)
})
