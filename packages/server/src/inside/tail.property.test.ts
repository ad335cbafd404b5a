import { LogError, type Lsn, type WorkspaceLog } from '@joinery/log'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createServer, type Server } from '../edge/server.ts'
import { ServerError } from '../server-error.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { W } from '../testing/server-fixture.ts'

/** A consumer that reads only when the test says so. When its tail ends, it begins another after its last record. */
class Reader {
  readonly lsns: number[] = []
  readonly #scene: Scene
  readonly #after: number
  #stop = new AbortController()
  #tail: AsyncIterator<{ lsn: Lsn }> | undefined
  /** Steps that wait for their record. */
  #step: Promise<void> | undefined

  constructor(scene: Scene, after: number) {
    this.#scene = scene
    this.#after = after
  }

  get last(): number {
    return this.lsns.at(-1) ?? this.#after
  }

  /** Takes up to `count` records, as far as they are there before other work has had a turn. */
  async read(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      this.#step ??= this.#next().finally(() => {
        this.#step = undefined
      })
      if (await Promise.race([this.#step.then(() => false), turn().then(() => true)])) return
    }
  }

  abort(): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#tail = undefined
  }

  async #next(): Promise<void> {
    const { server } = this.#scene
    const options = { after: this.last as Lsn, signal: this.#stop.signal }
    this.#tail ??= server.workspaces.tail(W, options)[Symbol.asyncIterator]()
    const tail = this.#tail
    const step = await tail.next().catch((error: unknown) => {
      if (error instanceof ServerError || error instanceof LogError) return undefined
      throw error
    })
    if (step === undefined || step.done) {
      if (this.#tail === tail) this.#tail = undefined
      return
    }
    const { lsn } = step.value
    // A record that a tail had taken when it was aborted is given to nobody.
    if (this.#tail !== tail) return
    // The tail gives records in order, leaves none out, and gives none that could still be lost.
    expect(lsn).toBe(this.last + 1)
    expect(lsn).toBeLessThanOrEqual(this.#scene.store.durableThrough)
    this.lsns.push(lsn)
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Knows up to which record the appends are durable. */
class WatchedStore extends GatedStore {
  durableThrough = 0
  readonly #durable = new Set<number>()

  override async open(workspace: string): Promise<WorkspaceLog> {
    const log = await super.open(workspace)
    const append = log.append.bind(log)
    log.append = (...args) => {
      const receipt = append(...args)
      void receipt.durable.then(() => this.#note(receipt.lsn))
      return receipt
    }
    return log
  }

  #note(lsn: number): void {
    this.#durable.add(lsn)
    while (this.#durable.has(this.durableThrough + 1)) this.durableThrough++
  }
}

/** A server that is closed and started again on the same store. */
class Scene {
  readonly store = new WatchedStore()
  server: Server = createServer({ store: this.store })
  readonly readers: Reader[] = []
  readonly #pending: Promise<void>[] = []
  readonly #gates: PromiseWithResolvers<void>[] = []

  append(size: number): void {
    const run = { writer: { actor: 'ada', source: 'user_action' }, via: 'test' }
    const written = this.server.workspaces
      .write(W, { ...run, run: (doc) => doc.getArray('a').push(['x'.repeat(size)]) })
      .then(
        () => undefined,
        (error: unknown) => {
          // The edit is refused while storage fails, and by a room that is being closed.
          if (!(error instanceof ServerError || error instanceof LogError)) throw error
        },
      )
    this.#pending.push(written)
  }

  /** Begins a new group: later appends become durable together, before or after earlier ones. */
  hold(): void {
    const gate = Promise.withResolvers<void>()
    this.store.durableGate = gate.promise
    this.#gates.push(gate)
  }

  release(at: number): void {
    const [gate] = this.#gates.splice(at, 1)
    if (this.store.durableGate === gate?.promise) this.store.durableGate = undefined
    gate?.resolve()
  }

  #releaseAll(): void {
    while (this.#gates.length > 0) this.release(0)
  }

  fail(): void {
    this.store.state = { state: 'failed', error: new LogError('storage_failed', 'the test took the disk away') }
  }

  recover(): void {
    if (this.store.state.state === 'failed') this.store.state = { state: 'open' }
  }

  async restart(): Promise<void> {
    this.#releaseAll()
    this.recover()
    await Promise.all(this.#pending.splice(0))
    await this.server.close()
    this.server = createServer({ store: this.store })
  }

  /** Mends everything and waits until every reader has come to the end. */
  async settle(): Promise<void> {
    this.#releaseAll()
    this.recover()
    await Promise.all(this.#pending.splice(0))
    const { head } = await this.server.workspaces.position(W)
    expect(this.store.durableThrough).toBe(head)
    for (const reader of this.readers) while (reader.last < head) await reader.read(100)
  }
}

type Command = (scene: Scene) => void | Promise<void>

const index = fc.nat(5)
const commands: fc.Arbitrary<Command>[] = [
  fc.integer({ min: 1, max: 20 }).map((count) => async (scene) => {
    for (let n = 0; n < count; n++) scene.append(1)
    await turn()
  }),
  fc.integer({ min: 1, max: 6 }).map((count) => async (scene) => {
    for (let n = 0; n < count; n++) scene.append(400_000)
    await turn()
  }),
  fc.tuple(index, fc.integer({ min: 1, max: 30 })).map(
    ([at, count]) =>
      (scene) =>
        scene.readers[at]?.read(count),
  ),
  fc.double({ min: 0, max: 1, noNaN: true }).map((part) => (scene) => {
    if (scene.readers.length < 6) scene.readers.push(new Reader(scene, Math.floor(part * scene.store.durableThrough)))
  }),
  index.map((at) => (scene) => scene.readers[at]?.abort()),
  fc.constant((scene) => scene.hold()),
  index.map((at) => (scene) => scene.release(at)),
  fc.constant((scene) => scene.fail()),
  fc.constant((scene) => scene.recover()),
  fc.constant((scene) => scene.restart()),
  fc.constant((scene) => scene.server.workspaces.replace(W, async () => undefined)),
]

it('[S80, S81, S82, S83, S84] whatever happens, tails that begin again where they ended give every record once, in order and durable', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...commands), { maxLength: 60 }), async (course) => {
      const scene = new Scene()
      try {
        for (const command of course) await command(scene)
        await scene.settle()
        for (const reader of scene.readers) expect(reader.last).toBe(scene.store.durableThrough)
      } finally {
        for (const reader of scene.readers) reader.abort()
        await scene.restart()
        await scene.server.close()
      }
    }),
    { numRuns: 60 },
  )
})
