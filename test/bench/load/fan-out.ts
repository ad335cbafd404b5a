import * as Y from 'yjs'
import { deadline } from './deadline.ts'
import type { FanOutWork, Figures, Target } from './job.ts'
import { LoadClient } from './load-client.ts'
import { percentile } from './percentile.ts'
import { startStopwatch } from './stopwatch.ts'
import { countEndMarks, editsIn, type TypedText, textName, typeText } from './typed-text.ts'

/** How often a paced writer looks what is due. Finer than any rate measured here. */
const PACE_TICK_MS = 4

interface Writer {
  readonly typed: TypedText
  readonly client: LoadClient
  readonly frames: readonly Uint8Array[]
  readonly sentAtMs: Float64Array
  sent: number
  seen: number
}

/** One room of the load: its writers, an observer that decodes everything, and others that only look for the end marks. */
class LoadRoom {
  readonly name: string
  readonly writers: Writer[] = []
  readonly latenciesMs: number[] = []
  readonly #observed = new Y.Doc()
  readonly #work: FanOutWork
  readonly #clients: LoadClient[] = []
  #isStarted = false
  #waitingFor = 0
  readonly #finish: () => void
  readonly finished: Promise<void>

  constructor(name: string, work: FanOutWork) {
    this.name = name
    this.#work = work
    const { promise, resolve } = Promise.withResolvers<void>()
    this.finished = promise
    this.#finish = resolve
  }

  async open(target: Target, onLost: (error: Error) => void): Promise<void> {
    const { clients, writers, editsPerWriter } = this.#work
    const options = { url: target.url, wire: target.wire, room: this.name, onLost }
    this.#waitingFor = clients
    for (let index = 0; index < clients; index++) {
      const isWriter = index < writers
      const onUpdate = index === writers ? this.#observe : this.#lookForEnds(isWriter ? writers - 1 : writers)
      const client = await LoadClient.open({ ...options, onUpdate })
      this.#clients.push(client)
      if (!isWriter) continue
      const typed = typeText(editsPerWriter)
      const frames = typed.updates.map((update) => client.frame(update))
      this.writers.push({ typed, client, frames, sentAtMs: new Float64Array(frames.length), sent: 0, seen: 0 })
    }
  }

  /** A receiver that is done once it has seen the ends of `ends` writers. */
  #lookForEnds(ends: number): (update: Uint8Array) => void {
    let left = ends
    if (left === 0) this.#receiverIsDone()
    return (update) => {
      if (left === 0) return
      left -= countEndMarks(update)
      if (left <= 0) this.#receiverIsDone()
    }
  }

  #receiverIsDone(): void {
    if (--this.#waitingFor === 0) this.#finish()
  }

  readonly #observe = (update: Uint8Array) => {
    Y.applyUpdate(this.#observed, update)
    if (!this.#isStarted) return
    const nowMs = performance.now()
    const wasDone = this.writers.every(isSeen)
    for (const writer of this.writers) {
      const seen = editsIn(this.#observed, writer.typed)
      for (; writer.seen < seen; writer.seen++) this.latenciesMs.push(nowMs - (writer.sentAtMs[writer.seen] ?? 0))
    }
    if (!wasDone && this.writers.every(isSeen)) this.#receiverIsDone()
    this.#fillWindow()
  }

  start(): void {
    this.#isStarted = true
    this.#fillWindow()
  }

  #fillWindow(): void {
    const { pace } = this.#work
    if (!('window' in pace)) return
    for (const writer of this.writers) {
      while (writer.sent < writer.frames.length && writer.sent - writer.seen < pace.window) this.#sendNext(writer)
    }
  }

  /** Sends each writer's edits up to the `due`-th. True when all are sent. */
  sendDue(due: number): boolean {
    for (const writer of this.writers) while (writer.sent < Math.min(due, writer.frames.length)) this.#sendNext(writer)
    return this.writers.every((writer) => writer.sent === writer.frames.length)
  }

  #sendNext(writer: Writer): void {
    const frame = writer.frames[writer.sent]
    if (frame === undefined) return
    writer.sentAtMs[writer.sent++] = performance.now()
    writer.client.send(frame)
  }

  /** Throws unless the observer, and a client that joins now, hold exactly what was typed. */
  async check(target: Target, onLost: (error: Error) => void): Promise<void> {
    this.#checkDoc(this.#observed, 'the observer')
    if (!target.keepsDocuments) return
    const late = new Y.Doc()
    const onUpdate = (update: Uint8Array) => Y.applyUpdate(late, update)
    const client = await LoadClient.open({ url: target.url, wire: target.wire, room: this.name, onUpdate, onLost })
    client.close()
    this.#checkDoc(late, 'a client that joined afterwards')
  }

  #checkDoc(doc: Y.Doc, holder: string): void {
    for (const { typed } of this.writers) {
      if (doc.getText(textName(typed.clientId)).toString() === typed.text) continue
      throw new Error(`${holder} of ${this.name} holds another text than was typed`)
    }
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

const isSeen = (writer: Writer) => writer.seen === writer.frames.length

function runPaced(rooms: readonly LoadRoom[], editsPerSecond: number): void {
  const startMs = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * editsPerSecond)
    // Not every(): it would stop at the first room that still has something to send.
    if (rooms.filter((room) => !room.sendDue(due)).length === 0) clearInterval(timer)
  }, PACE_TICK_MS)
}

/** Lets writers type into rooms full of clients until every client has everything. */
export async function runFanOut(target: Target, work: FanOutWork): Promise<Figures> {
  const { warmUpEdits } = work
  if (warmUpEdits !== undefined) await typeAndMeasure(target, { ...work, editsPerWriter: warmUpEdits }, 'warm-up')
  return typeAndMeasure(target, work, 'fan-out')
}

async function typeAndMeasure(target: Target, work: FanOutWork, name: string): Promise<Figures> {
  if (work.clients <= work.writers) throw new Error('a room needs a client that does not write, to observe')
  const limit = deadline()
  // Rooms of this run alone: end marks of another would be counted as this one's.
  const rooms = Array.from({ length: work.rooms }, (_, index) => new LoadRoom(`${name}-${process.pid}-${index}`, work))
  for (const room of rooms) await limit.race(room.open(target, limit.fail))
  const stopwatch = startStopwatch(target.pid, target.beside)
  for (const room of rooms) room.start()
  if ('editsPerSecond' in work.pace) runPaced(rooms, work.pace.editsPerSecond)
  await limit.race(Promise.all(rooms.map((room) => room.finished)))
  const { cpuMicros, ...times } = stopwatch.stop()
  for (const room of rooms) await limit.race(room.check(target, limit.fail))
  for (const room of rooms) room.close()
  limit.clear()
  const edits = work.rooms * work.writers * work.editsPerWriter
  const latenciesMs = rooms.flatMap((room) => room.latenciesMs)
  return {
    cpuMicrosPerEdit: cpuMicros / edits,
    cpuMicrosPerDelivery: cpuMicros / (edits * (work.clients - 1)),
    latencyP50Ms: percentile(latenciesMs, 0.5),
    latencyP99Ms: percentile(latenciesMs, 0.99),
    ...times,
  }
}
