import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { runSize } from '../support/run-size.ts'
import { runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { startApiServer } from './api-process.ts'
import { HttpCaller } from './http-caller.ts'
import { act, type LeaseScene } from './lease-actor.ts'
import { faultsOf } from './lease-history.ts'

const DAY_MS = 86_400_000
/** Lives of servers, each ended by SIGKILL. */
const LIVES = runSize('JOINERY_LEASE_LIVES', { everyday: 6, nightly: 1_000 })
const LIVES_PER_HISTORY = 6
const ACTORS = 6
/** Time for one life, ms: on a busy machine a server takes many seconds to start. */
const LIFE_MS = 120_000
/** Calls that a life has at least, however slow the machine is. */
const CALLS_PER_LIFE = 25

/** Names of all blocks. */
async function blocksOf(url: string): Promise<Set<string>> {
  using caller = new HttpCaller(url)
  const found = new Set<string>()
  for (let after: string | undefined; ; ) {
    const query = after === undefined ? '' : `&after=${after}`
    const { json } = await caller.call('GET', `/v1/workspaces/w/blocks?limit=1000${query}`)
    for (const { id } of json.blocks) found.add(id)
    if (json.next === null) return found
    after = json.next
  }
}

/**
 * One history: servers killed under actors, each with the time of day up to a day wrong. Once, an older copy of the data is put
 * in place of what the killed server left.
 */
async function history(random: () => number, seed: string): Promise<number> {
  await using home = await tempDirectory()
  const [directory, older, left] = ['data', 'older', 'left'].map((name) => join(home.path, name)) as [
    string,
    string,
    string,
  ]
  const port = await freePort()
  const copiedAt = Math.floor(random() * (LIVES_PER_HISTORY - 2))
  const restoredAt = copiedAt + 1 + Math.floor(random() * (LIVES_PER_HISTORY - 2 - copiedAt))
  const scene: LeaseScene = {
    url: `http://127.0.0.1:${port}`,
    random,
    calls: [],
    writes: new Map(),
    copy: 0,
    isOver: false,
  }
  let actors: Promise<void>[] = []
  /** Writes that the older copy has, or that were made after it was put back. */
  let kept = new Map<string, boolean | undefined>()
  for (let life = 0; life < LIVES_PER_HISTORY; life++) {
    const clockAheadMs = Math.round((random() * 2 - 1) * DAY_MS)
    await using server = await startApiServer({ directory, port, clockAheadMs })
    if (life === 0) actors = Array.from({ length: ACTORS }, (_, index) => act(scene, `actor-${index}`))
    const { length } = scene.calls
    await pause(200 + random() * 400)
    await expect.poll(() => scene.calls.length).toBeGreaterThan(length + CALLS_PER_LIFE)
    if (life === LIVES_PER_HISTORY - 1) {
      scene.isOver = true
      await Promise.all(actors)
      const found = await blocksOf(scene.url)
      for (const [block, made] of scene.writes) {
        const isSure = made === false || (made === true && !kept.has(block))
        if (isSure) expect([seed, block, found.has(block)]).toEqual([seed, block, made])
      }
    }
    await server.child.end('SIGKILL')
    if (life === copiedAt) await cp(directory, older, { recursive: true })
    if (life === restoredAt) {
      await rename(directory, left)
      await rename(older, directory)
      scene.copy++
      kept = new Map(scene.writes)
    }
  }
  expect(faultsOf(scene.calls), `JOINERY_SEED=${seed}`).toEqual([])
  return scene.calls.length
}

it(
  `[H74] histories of leases over ${LIVES} killed servers are linearizable, and no late write is ever made`,
  async () => {
    const seed = runSeed()
    console.log(`leases: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    let calls = 0
    for (let lives = 0; lives < LIVES; lives += LIVES_PER_HISTORY) calls += await history(random, String(seed))
    expect(calls).toBeGreaterThan(LIVES)
    console.log(`leases: ${calls} calls of ${LIVES} lives were checked`)
  },
  LIVES * LIFE_MS,
)
