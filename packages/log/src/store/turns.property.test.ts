import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { Database } from '../disk/database.ts'
import type { EventStore, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { makeTestClock } from '../testing/test-clock.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories(inMemory())
const NAMES = ['a', '!work/a', '!work', 'b', '!lease/b'] as const
const RUNS = process.env.JOINERY_NIGHTLY === undefined ? 40 : 1_000
afterEach(() => vi.restoreAllMocks())

type Step =
  /** Appends so many records to each log, some with keys; with `isTakenBack`, all of it is taken back. */
  | { readonly do: 'turn'; readonly counts: readonly number[]; readonly isTakenBack: boolean; readonly hasKey: boolean }
  | { readonly do: 'pause' | 'settle' | 'reopen' | 'recover' }
  /** Makes writes fail, before or after they reach the disk. */
  | { readonly do: 'fail'; readonly isWritten: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      counts: fc.array(fc.nat({ max: 3 }), { minLength: NAMES.length, maxLength: NAMES.length }),
      isTakenBack: fc.boolean(),
      hasKey: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'settle' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reopen' as const, 'recover' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), isWritten: fc.boolean() }) },
)

/** A turn that was appended: how many records of it are in each log. */
interface Turn {
  readonly counts: readonly number[]
  isDurable: boolean
}

class Scene {
  readonly #directory: string
  readonly #durability: 'async' | 'sync'
  readonly #clock = makeTestClock()
  readonly #turns = new Map<string, Turn>()
  #store: EventStore | undefined
  #logs: WorkspaceLog[] = []
  #made = 0
  #failure: { readonly isWritten: boolean } | undefined

  constructor(directory: string, durability: 'async' | 'sync') {
    this.#directory = directory
    this.#durability = durability
    const scene = this
    const { write } = Database.prototype
    vi.spyOn(Database.prototype, 'write').mockImplementation(async function (this: Database, writes, sync) {
      const failure = scene.#failure
      if (failure === undefined || failure.isWritten) await write.call(this, writes, sync)
      if (failure !== undefined) throw new Error('IO error: /data/000005.log: No space left on device')
    })
  }

  async open(): Promise<void> {
    const store = await openLevelStore({
      directory: this.#directory,
      durability: this.#durability,
      clock: this.#clock,
    })
    this.#store = store
    this.#logs = await Promise.all(NAMES.map((name) => store.open(name)))
  }

  async take(each: Step): Promise<void> {
    if (each.do === 'turn') this.#turn(each).catch(ifClosed)
    else if (each.do === 'pause') await new Promise((resolve) => setImmediate(resolve))
    else if (each.do === 'fail') this.#failure = each
    else if (each.do === 'reopen') await this.reopen()
    else {
      this.#failure = undefined
      await this.#untilOpen()
      if (each.do === 'settle') await this.#settle()
    }
  }

  /** Closes the store, whether or not storage works by then, and compares all that is there with what was promised. */
  async reopen(): Promise<void> {
    await this.#store?.close().catch(ifOfStorage)
    // Promises that the close has made are heard first.
    await new Promise((resolve) => setImmediate(resolve))
    this.#failure = undefined
    await this.open()
    const found = new Map<string, number[]>()
    for (const [place, log] of this.#logs.entries()) {
      for (const { update, idempotencyKey, lsn } of await readAll(log)) {
        const label = Buffer.from(update).toString()
        const counts = found.get(label) ?? NAMES.map(() => 0)
        counts[place] = (counts[place] ?? 0) + 1
        found.set(label, counts)
        if (idempotencyKey !== undefined) expect(await log.lsnOfKey(idempotencyKey)).toBe(lsn)
      }
    }
    let isLost = false
    for (const [label, { counts, isDurable }] of this.#turns) {
      const there = found.get(label)
      if (there === undefined) {
        expect(isDurable, `${label} was promised`).toBe(false)
        isLost = true
        this.#turns.delete(label)
        continue
      }
      expect(there, label).toEqual(counts)
      // Turns are written in order, so that none is there behind one that is lost.
      expect(isLost, `${label} is behind a lost turn`).toBe(false)
    }
    expect([...found.keys()].filter((label) => !this.#turns.has(label))).toEqual([])
  }

  async end(): Promise<void> {
    await this.take({ do: 'recover' })
    await this.#settle()
    await this.reopen()
    await this.#store?.close()
  }

  /** Resolves when the turn is durable, at once if it was taken back, or never. */
  async #turn({ counts, isTakenBack, hasKey }: Extract<Step, { do: 'turn' }>): Promise<void> {
    const label = `turn ${++this.#made}`
    const taken = new Error('taken back')
    const durable: Promise<void>[] = []
    const work = (): void => {
      for (const [place, log] of this.#logs.entries()) {
        for (let n = 0; n < (counts[place] ?? 0); n++) {
          // A key that was taken back is given again by the next turn.
          const key = hasKey && n === 0 ? { idempotencyKey: `key ${log.head}` } : {}
          durable.push(log.append(sampleEntry(0, { update: Buffer.from(label), ...key })).durable)
        }
      }
      if (isTakenBack) throw taken
    }
    try {
      this.#store?.atomically(work)
    } catch (error) {
      if (error !== taken) ifOfStorage(error)
      return
    }
    if (durable.length === 0) return
    const turn: Turn = { counts, isDurable: false }
    this.#turns.set(label, turn)
    await Promise.all(durable)
    turn.isDurable = true
  }

  /** Lets time pass until `isDone`. A write under way may still fail, and a recovery may fail once more. */
  async #until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      this.#clock.advance(10_000)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async #untilOpen(): Promise<void> {
    await this.#until(() => this.#store?.state.state === 'open')
  }

  /** Makes a turn and waits until it is durable, and with it everything before it. */
  async #settle(): Promise<void> {
    let isOver = false
    const made = this.#turn({ do: 'turn', counts: NAMES.map(() => 1), isTakenBack: false, hasKey: false })
    void made.finally(() => {
      isOver = true
    })
    await this.#until(() => isOver)
    await made
  }
}

function ifClosed(error: unknown): void {
  if (!(error instanceof LogError) || error.code !== 'closed') throw error
}

function ifOfStorage(error: unknown): void {
  if (!(error instanceof LogError) || (error.code !== 'storage_full' && error.code !== 'storage_failed')) throw error
}

it('[L67, L68, L23, L24] whatever fails and is opened again, each turn is there whole or not at all, and no promise is broken', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.constantFrom('async' as const, 'sync' as const),
      async (steps, durability) => {
        const scene = new Scene(await makeDirectory(), durability)
        try {
          await scene.open()
          for (const each of steps) await scene.take(each)
          await scene.end()
        } finally {
          vi.restoreAllMocks()
        }
      },
    ),
    { numRuns: RUNS },
  )
})
