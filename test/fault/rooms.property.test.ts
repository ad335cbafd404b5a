import { setTimeout as delay } from 'node:timers/promises'
import { openLevelStore } from '@joinery/log'
import { createServer, type Server, type WorkspaceId } from '@joinery/server'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { readLog } from '../crash/read-log.ts'
import { RawClient } from '../support/raw-client.ts'
import { runSize } from '../support/run-size.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'

const RUNS = runSize('JOINERY_ROOM_RUNS', { everyday: 4, nightly: 200 })
const STEPS = 300
const PEOPLE = 4
const WORKSPACE = 'w' as WorkspaceId
const ENGINE = { actor: 'engine', source: 'workflow_execution' }

const who = fc.nat(PEOPLE - 1)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('join', 'leave', 'cut'), who }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('write'), who }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('edit'), who: fc.constant(0) }) },
  // About as long as it takes a room to cool down and close.
  { weight: 4, arbitrary: fc.record({ does: fc.constant('wait'), who: fc.nat(8) }) },
)
interface Step {
  readonly does: string
  readonly who: number
}
const times = fc.record({ roomIdleMs: fc.nat(5), coolAfterMs: fc.nat(5) })

const entriesOf = (doc: Y.Doc) => doc.getArray<string>('entries')

/** People who come, write and go, each with a document of their own that outlives their connections. */
class People {
  readonly #server: Server
  readonly #docs = Array.from({ length: PEOPLE }, () => new Y.Doc())
  readonly #clients = new Map<number, RawClient>()
  readonly #all: RawClient[] = []
  readonly written: string[] = []
  readonly #edits: Promise<unknown>[] = []

  constructor(server: Server) {
    this.#server = server
  }

  async play({ does, who }: Step): Promise<void> {
    const client = this.#clients.get(who)
    if (does === 'wait') await delay(who)
    else if (does === 'join') this.join(who)
    else if (does === 'leave') client?.socket.close()
    else if (does === 'cut') client?.cut()
    else if (does === 'write') entriesOf(this.#docs[who] as Y.Doc).push([this.#next()])
    else this.#edits.push(this.#edit())
  }

  join(who: number): RawClient {
    const present = this.#clients.get(who)
    if (present !== undefined && present.socket.readyState <= present.socket.OPEN) return present
    const doc = this.#docs[who] as Y.Doc
    const client = new RawClient({
      url: this.#server.url.replace('http', 'ws'),
      path: WORKSPACE,
      wantsJoinery: true,
      doc,
    })
    this.#clients.set(who, client)
    this.#all.push(client)
    return client
  }

  /** Connects everybody, and resolves when everybody holds all edits and all are durable. */
  async settle(): Promise<void> {
    await Promise.all(this.#edits)
    const isSafe = ({ hello, framesSent, framesDurable, doc }: RawClient) =>
      hello !== undefined &&
      framesSent > 0 &&
      framesDurable === framesSent &&
      entriesOf(doc).length === this.written.length
    // People who are sent away meanwhile reconnect.
    const isSettled = () => this.#docs.map((_, who) => this.join(who)).every(isSafe)
    await until('everybody holds everything, and it is durable', isSettled)
    const written = [...this.written].sort()
    for (const doc of this.#docs) expect(entriesOf(doc).toArray().sort()).toEqual(written)
    expect(this.#all.flatMap(({ rejections }) => rejections)).toEqual([])
    const generations = this.#all.flatMap(({ hello }) => hello?.generation ?? [])
    expect(new Set(generations).size).toBe(1)
    for (const client of this.#clients.values()) client.socket.close()
  }

  #next(): string {
    const entry = `entry ${this.written.length}`
    this.written.push(entry)
    return entry
  }

  #edit(): Promise<unknown> {
    const entry = this.#next()
    const run = (doc: Y.Doc) => entriesOf(doc).push([entry])
    return this.#server.workspaces.write(WORKSPACE, { writer: ENGINE, via: 'test', run })
  }
}

it(`[T73] one history holds everything, and no room stays behind, however people and programs come and go in ${STEPS} steps`, async () => {
  const steps = fc.array(step, { minLength: STEPS, maxLength: STEPS, size: 'max' })
  const play = async ({ roomIdleMs, coolAfterMs }: { roomIdleMs: number; coolAfterMs: number }, history: Step[]) => {
    await using home = await tempDirectory()
    const store = await openLevelStore({ directory: home.path, durability: 'async' })
    // The server looks for idle rooms at each heartbeat.
    const limits = { roomIdleMs, coolAfterMs, heartbeatMs: 5 }
    const server = createServer({ store, limits, snapshots: { records: 20 } })
    await server.listen()
    try {
      const people = new People(server)
      for (const one of history) await people.play(one)
      await people.settle()
      await until('no room is left', () => server.load().rooms === 0 && server.load().connections === 0)
      await server.close()
      await store.close()
      const stored = (await readLog(home.path)).get(WORKSPACE) ?? []
      expect([...stored].sort()).toEqual([...people.written].sort())
    } finally {
      await server.close()
      await store.close()
    }
  }
  await fc.assert(fc.asyncProperty(times, steps, play), { numRuns: RUNS, endOnFailure: true })
})
