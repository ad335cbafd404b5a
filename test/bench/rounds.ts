import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as Y from 'yjs'
import { tempDirectory } from '../support/temp-directory.ts'
import { deadline } from './load/deadline.ts'
import { editsOf } from './load/history.ts'
import type { Target } from './load/job.ts'
import { LoadClient } from './load/load-client.ts'
import { startStopwatch } from './load/stopwatch.ts'
import { generateTrace } from './load/trace.ts'
import type { Rounds } from './paired.ts'
import { type Peer, startPeer } from './peers.ts'

/** The work of the rounds: many small rooms that type at once, or one long history. */
export type RoundKind = 'small-rooms' | 'history'

type One = 'without' | 'with'

const CHECKED = fileURLToPath(new URL('peers/checked.ts', import.meta.url))
/** The bound on V8's young generation that the `joinery` command sets. */
const NODE_ARGS = ['--max-semi-space-size=16']
/** Rooms of one round, with the clients that watch, and the edits that each gets in a round, as many at once as `burst` says. */
interface RoundWork {
  readonly rooms: number
  readonly watchers: number
  readonly edits: number
  readonly burst: number
  /** Edits of a room after which another takes its place. */
  readonly editsMax: number
}

/** Some tens of ms of CPU: short, so that neighbours see the same load of the machine, and longer than one collection takes. */
const WORKS: Readonly<Record<RoundKind, RoundWork>> = {
  'small-rooms': { rooms: 30, watchers: 2, edits: 64, burst: 64, editsMax: 6_400 },
  history: { rooms: 1, watchers: 1, edits: 4_000, burst: 500, editsMax: 60_000 },
}
/** Time for which the server ends what the edits have begun, ms. */
const SETTLE_MS = 30

function server(name: One): Peer {
  return {
    title: `Joinery ${name} inspection and ledger`,
    wire: 'yjs',
    keepsDocuments: true,
    command: (port, directory) => ({ args: [CHECKED, String(port), directory, name] }),
    ready: /listening/,
  }
}

/** Starts both servers, for rounds of one kind. */
export async function openRounds(kind: RoundKind): Promise<Rounds & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const work = WORKS[kind]
  // Both servers get the same edits.
  const { updates } = editsOf(generateTrace(work.editsMax), work.editsMax)
  const roundOf = async (name: One): Promise<() => Promise<number>> => {
    const peer = server(name)
    const directory = stack.use(await tempDirectory())
    const { child, url } = await startPeer(peer, directory.path, NODE_ARGS)
    stack.defer(async () => {
      await child.end('SIGTERM')
    })
    const target: Target = { url, wire: peer.wire, pid: child.pid, keepsDocuments: peer.keepsDocuments }
    const rooms = Array.from({ length: work.rooms }, () => stack.use(new TypedRoom(target, work, updates)))
    return () => typeInto(target, rooms, work)
  }
  const rounds = { without: await roundOf('without'), with: await roundOf('with') }
  const opened = stack.move()
  return { run: (one) => rounds[one](), [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** One round in all rooms. Resolves with the CPU of the server for each edit, µs. */
async function typeInto(target: Target, rooms: readonly TypedRoom[], { edits }: RoundWork): Promise<number> {
  const limit = deadline()
  for (const room of rooms) await limit.race(room.prepare(limit.fail))
  const stopwatch = startStopwatch(target.pid)
  await limit.race(Promise.all(rooms.map((room) => room.type())))
  await delay(SETTLE_MS)
  const { cpuMicros } = stopwatch.stop()
  limit.clear()
  return cpuMicros / (edits * rooms.length)
}

let roomsMade = 0

/** A room in which one client types a history, round by round, and others watch it arrive. */
class TypedRoom implements Disposable {
  readonly #target: Target
  readonly #work: RoundWork
  readonly #updates: readonly Uint8Array[]
  #clients: LoadClient[] = []
  #watched: Y.Doc[] = []
  #next = 0
  #arrived: (() => void) | undefined

  constructor(target: Target, work: RoundWork, updates: readonly Uint8Array[]) {
    this.#target = target
    this.#work = work
    this.#updates = updates
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close()
  }

  /** Opens the room for the next round, if none is open that has edits left. */
  async prepare(onLost: (error: Error) => void): Promise<void> {
    if (this.#clients.length > 0 && this.#next + this.#work.edits <= this.#updates.length) return
    this[Symbol.dispose]()
    this.#next = 0
    const { url, wire } = this.#target
    const options = { url, wire, room: `round-${roomsMade++}`, onLost }
    this.#watched = Array.from({ length: this.#work.watchers }, () => new Y.Doc())
    this.#clients = [await LoadClient.open(options)]
    for (const doc of this.#watched) {
      const onUpdate = (update: Uint8Array): void => {
        Y.applyUpdate(doc, update)
        this.#arrived?.()
      }
      this.#clients.push(await LoadClient.open({ ...options, onUpdate }))
    }
  }

  /** Types the edits of a round. Resolves when all who watch have them. */
  async type(): Promise<void> {
    const [writer] = this.#clients
    const { edits, burst } = this.#work
    for (const end = this.#next + edits; this.#next < end; ) {
      for (const update of this.#updates.slice(this.#next, this.#next + burst)) writer?.send(writer.frame(update))
      this.#next = Math.min(end, this.#next + burst)
      await this.#whenArrived()
    }
  }

  /** Resolves when the watchers have the last edit that inserts something: one that only deletes comes with a later one. */
  async #whenArrived(): Promise<void> {
    for (let at = this.#next - 1; at >= 0; at--) {
      const [struct] = Y.decodeUpdate(this.#updates[at] as Uint8Array).structs
      if (struct === undefined) continue
      const { client, clock } = struct.id
      const has = (): boolean => this.#watched.every(({ store }) => Y.getState(store, client) >= clock + struct.length)
      while (!has()) {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#arrived = resolve
        await promise
      }
      return
    }
  }
}
