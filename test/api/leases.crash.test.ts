import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { runSize } from '../support/run-size.ts'
import { type Random, randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { WrongClock } from '../support/wrong-clock.ts'
import { type ApiProcess, startApiServer } from './api-process.ts'
import { HttpCaller } from './http-caller.ts'
import { type LeaseWrite, machineMs } from './lease-actor.ts'
import { faultsOf, type LeaseCall } from './lease-history.ts'
import { LeaseProcess } from './lease-process.ts'

const DAY_MS = 86_400_000
/** Lives of servers, each ended by SIGKILL. */
const LIVES = runSize('JOINERY_LEASE_LIVES', { everyday: 3, nightly: 1_000 })
/** The histories end after this time, in which a slow machine has fewer lives. */
const MINUTES = runSize('JOINERY_LEASE_MINUTES', { everyday: 4, nightly: 150 })
const LIVES_PER_HISTORY = 6
/** A start of a server costs more than its life: each life is one of several workspaces, whose leases know nothing of each other. */
const WORKSPACES = Array.from(
  { length: runSize('JOINERY_LEASE_WORKSPACES', { everyday: 4, nightly: 4 }) },
  (_, index) => `w${index + 1}`,
)
/** Two actors of each process work in each workspace. */
const PROCESSES = 3
const ACTORS_PER_PROCESS = 2
/** Leases that each workspace gives in a life at least, however slow the machine is. */
const LEASES_PER_LIFE = 4
/** How long the actors of a stopped process sleep, ms: shorter and longer than the TTLs. */
const STOP_MS_MAX = 1_500

/** Figures of all histories. */
const found = { lives: 0, calls: 0, leases: 0, stops: 0, refused: 0 }

/** Names of all blocks of a workspace. */
async function blocksOf(url: string, workspace: string): Promise<Set<string>> {
  using caller = new HttpCaller(url)
  const names = new Set<string>()
  for (let after: string | undefined; ; ) {
    const query = after === undefined ? '' : `&after=${after}`
    const { json } = await caller.call('GET', `/v1/workspaces/${workspace}/blocks?limit=1000${query}`)
    for (const { id } of json.blocks) names.add(id)
    if (json.next === null) return names
    after = json.next
  }
}

/** Servers killed one after the other under actors in processes of their own, and what all of them were told. */
class History {
  readonly calls: LeaseCall[] = []
  /** The last word on each block. */
  readonly writes = new Map<string, LeaseWrite>()
  readonly #random: Random
  readonly #clock: WrongClock
  readonly #leases = new Map<string, number>()

  constructor(random: Random, clock: WrongClock) {
    this.#random = random
    this.#clock = clock
  }

  call(call: LeaseCall): void {
    this.calls.push(call)
    const [workspace = ''] = call.name.split('/')
    if (call.kind === 'acquire') this.#leases.set(workspace, (this.#leases.get(workspace) ?? 0) + 1)
  }

  write(write: LeaseWrite): void {
    this.writes.set(`${write.workspace}/${write.block}`, write)
  }

  /** Sets the time of day wrong by up to a day. */
  async step(): Promise<void> {
    await this.#clock.step((this.#random() * 2 - 1) * DAY_MS)
  }

  /** Resolves when each workspace has given more leases. Meanwhile the clock is set, and one of the processes is stopped for a time. */
  async live(processes: readonly LeaseProcess[]): Promise<void> {
    const before = new Map(this.#leases)
    await pause(100 + this.#random() * 300)
    const stopped = processes[randomBelow(this.#random, processes.length)]
    stopped?.stop()
    await this.step()
    await pause(this.#random() * STOP_MS_MAX)
    stopped?.goOn()
    const given = (workspace: string) => (this.#leases.get(workspace) ?? 0) - (before.get(workspace) ?? 0)
    await until('every workspace gives leases', () => WORKSPACES.every((each) => given(each) >= LEASES_PER_LIFE))
  }

  /** Fails unless the blocks of the server are those that it said it made, as far as the copy that was put back had them. */
  async expectWrites(url: string, restoredMs: number): Promise<void> {
    for (const workspace of WORKSPACES) {
      const blocks = await blocksOf(url, workspace)
      for (const write of this.writes.values()) {
        if (write.workspace !== workspace) continue
        const isSure = write.made === false || (write.made === true && write.sentMs > restoredMs)
        if (isSure) expect([write, blocks.has(write.block)]).toEqual([write, write.made])
      }
    }
  }
}

/**
 * One history: servers killed under actors, while the time of day jumps by up to a day, and while processes of holders are stopped.
 * Once, an older copy of the data is put in place of what the killed server left.
 */
async function history(random: Random, seed: string): Promise<void> {
  await using home = await tempDirectory()
  const [directory, older, left] = ['data', 'older', 'left'].map((name) => join(home.path, name)) as [
    string,
    string,
    string,
  ]
  const port = await freePort()
  const clock = await WrongClock.open(home.path)
  const copiedAt = randomBelow(random, LIVES_PER_HISTORY - 2)
  const restoredAt = copiedAt + 1 + randomBelow(random, LIVES_PER_HISTORY - 2 - copiedAt)
  const told = new History(random, clock)
  await using running = new AsyncDisposableStack()
  const processes = Array.from({ length: PROCESSES }, (_, index) => {
    const actors = Array.from({ length: ACTORS_PER_PROCESS }, (_unused, actor) => `actor-${index}-${actor}`)
    const config = {
      url: `http://127.0.0.1:${port}`,
      seed: randomBelow(random, 2 ** 32),
      actors,
      workspaces: WORKSPACES,
    }
    return running.use(new LeaseProcess(config, told))
  })
  let restoredMs = 0
  for (let life = 0; life < LIVES_PER_HISTORY; life++) {
    await told.step()
    await using server: ApiProcess = await startApiServer({ directory, port, clock })
    await told.live(processes)
    if (life === LIVES_PER_HISTORY - 1) {
      await Promise.all(processes.map((each) => each.end()))
      await told.expectWrites(server.url, restoredMs)
    }
    await server.child.end('SIGKILL')
    if (life === copiedAt) await cp(directory, older, { recursive: true })
    if (life === restoredAt) {
      await rename(directory, left)
      await rename(older, directory)
      restoredMs = machineMs()
    }
  }
  const { calls } = told
  expect(faultsOf(calls, [restoredMs]), `JOINERY_SEED=${seed}`).toEqual([])
  found.lives += LIVES_PER_HISTORY
  found.stops += LIVES_PER_HISTORY
  found.calls += calls.length
  found.leases += calls.filter(({ kind }) => kind === 'acquire').length
  found.refused += calls.filter(({ kind, stood }) => kind === 'write' && !stood).length
}

it(`[H74] histories of leases over up to ${LIVES} killed servers are linearizable, and no late write is ever made`, async () => {
  const seed = runSeed()
  console.log(`leases: JOINERY_SEED=${seed}`)
  const random = seededRandom(seed)
  const startMs = performance.now()
  const seconds = () => Math.round((performance.now() - startMs) / 1_000)
  while (found.lives < LIVES && seconds() < MINUTES * 60) {
    await history(random, String(seed))
    const { lives, calls, leases, stops, refused } = found
    const of = `${lives} of ${LIVES} killed servers of ${WORKSPACES.length} workspaces, ${stops} stopped processes`
    console.log(`leases: ${of}, ${leases} leases, ${calls} calls, ${refused} late writes refused, ${seconds()} s`)
  }
  expect(found.leases).toBeGreaterThan(found.lives)
})
