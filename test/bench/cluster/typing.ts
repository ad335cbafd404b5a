import * as Y from 'yjs'
import { type Deadline, deadline } from '../load/deadline.ts'
import { LoadClient } from '../load/load-client.ts'
import { percentile } from '../load/percentile.ts'
import { editsIn, type TypedText, textName, typeText } from '../load/typed-text.ts'
import type { ClusterFigures, FleetTarget, TypeWork } from './cluster-job.ts'
import { sum, watchCpu } from './usage.ts'

/** How often a writer at a fixed rate looks what is due, ms. */
const PACE_TICK_MS = 4
/** Time for frames that a server sends after its answer to a newcomer, ms. */
const NEWCOMER_MS = 10_000
const LOOK_MS = 10

interface Sent {
  readonly atMs: number
  /** Number of the update frame, from 1. */
  readonly frame: number
}

/** One workspace: somebody types at one node, and somebody looks on at the next one. */
class TypedWorkspace {
  readonly savedMs: number[] = []
  readonly seenMs: number[] = []
  readonly finished: Promise<void>
  readonly #target: FleetTarget
  readonly #work: TypeWork
  readonly #name: string
  readonly #index: number
  readonly #typed: TypedText
  readonly #doc = new Y.Doc()
  readonly #sent: Sent[] = []
  readonly #finish: () => void
  #frames: readonly Uint8Array[] = []
  #writer: LoadClient | undefined
  #observer: LoadClient | undefined
  #isStarted = false

  constructor(target: FleetTarget, work: TypeWork, name: string, index: number) {
    this.#target = target
    this.#work = work
    this.#name = `${name}-${index}`
    this.#index = index
    this.#typed = typeText(work.editsPerWriter)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.finished = promise
    this.#finish = resolve
  }

  async open(limit: Deadline): Promise<void> {
    this.#writer = await this.#connect(0, limit, { onSaved: this.#writerOnSaved })
    this.#observer = await this.#connect(1, limit, { onUpdate: this.#observerOnUpdate })
    this.#frames = this.#typed.updates.map((update) => this.#writer?.frame(update) ?? update)
  }

  start(): void {
    this.#isStarted = true
    this.#fillWindow()
  }

  /** Sends the edits up to the `due`-th. True when all are sent. */
  sendDue(due: number): boolean {
    while (this.#sent.length < Math.min(due, this.#frames.length)) this.#sendNext()
    return this.#sent.length === this.#frames.length
  }

  /** Rejects unless a client that comes to the node after those two is given exactly what was typed. */
  async check(limit: Deadline): Promise<void> {
    const doc = new Y.Doc()
    const newcomer = await this.#connect(2, limit, { onUpdate: (update) => Y.applyUpdate(doc, update) })
    const endsAtMs = performance.now() + NEWCOMER_MS
    while (doc.getText(textName(this.#typed.clientId)).toString() !== this.#typed.text) {
      if (performance.now() > endsAtMs) throw new Error(`a newcomer to ${this.#name} has another text than was typed`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    newcomer.close()
  }

  close(): void {
    this.#writer?.close()
    this.#observer?.close()
  }

  #connect(offset: number, limit: Deadline, more: Partial<Parameters<typeof LoadClient.open>[0]>): Promise<LoadClient> {
    const { urls, wire } = this.#target
    const url = urls[(this.#index + offset) % urls.length] ?? ''
    return LoadClient.open({ url, wire, room: this.#name, onLost: limit.fail, ...more })
  }

  readonly #writerOnSaved = (frames: number): void => {
    const nowMs = performance.now()
    while ((this.#sent[this.savedMs.length]?.frame ?? Number.POSITIVE_INFINITY) <= frames) {
      this.savedMs.push(nowMs - (this.#sent[this.savedMs.length]?.atMs ?? 0))
    }
    if (this.#isStarted) this.#fillWindow()
    this.#finishIfDone()
  }

  readonly #observerOnUpdate = (update: Uint8Array): void => {
    Y.applyUpdate(this.#doc, update)
    if (!this.#isStarted) return
    const nowMs = performance.now()
    const seen = editsIn(this.#doc, this.#typed)
    while (this.seenMs.length < seen) this.seenMs.push(nowMs - (this.#sent[this.seenMs.length]?.atMs ?? nowMs))
    this.#finishIfDone()
  }

  #finishIfDone(): void {
    const { length } = this.#typed.updates
    if (this.savedMs.length === length && this.seenMs.length === length) this.#finish()
  }

  #fillWindow(): void {
    const { pace } = this.#work
    if (!('window' in pace)) return
    while (this.#sent.length < this.#frames.length && this.#sent.length - this.savedMs.length < pace.window) {
      this.#sendNext()
    }
  }

  #sendNext(): void {
    const frame = this.#frames[this.#sent.length]
    if (frame === undefined || this.#writer === undefined) return
    const atMs = performance.now()
    this.#writer.send(frame)
    this.#sent.push({ atMs, frame: this.#writer.framesSent })
  }
}

/** Lets one person type in each workspace, until all is saved and seen at another node. */
export async function runTyping(target: FleetTarget, work: TypeWork): Promise<ClusterFigures> {
  const { warmUpEdits } = work
  if (warmUpEdits !== undefined) await typeAndMeasure(target, { ...work, editsPerWriter: warmUpEdits }, 'warm-up')
  return await typeAndMeasure(target, work, 'typed')
}

async function typeAndMeasure(target: FleetTarget, work: TypeWork, name: string): Promise<ClusterFigures> {
  const limit = deadline()
  const all = Array.from({ length: work.workspaces }, (_, n) => new TypedWorkspace(target, work, name, n))
  for (const workspace of all) await limit.race(workspace.open(limit))
  const cpuSince = watchCpu(target)
  const loadBefore = process.cpuUsage()
  const startMs = performance.now()
  for (const workspace of all) workspace.start()
  if ('editsPerSecond' in work.pace) typeAt(all, work.pace.editsPerSecond, startMs)
  await limit.race(Promise.all(all.map(({ finished }) => finished)))
  const wallSeconds = (performance.now() - startMs) / 1_000
  const { nodes, engine } = cpuSince()
  const load = process.cpuUsage(loadBefore)
  for (const workspace of all) await limit.race(workspace.check(limit))
  for (const workspace of all) workspace.close()
  limit.clear()
  const edits = work.workspaces * work.editsPerWriter
  const saved = all.flatMap(({ savedMs }) => savedMs)
  const seen = all.flatMap(({ seenMs }) => seenMs)
  return {
    editsPerSecond: edits / wallSeconds,
    savedP50Ms: percentile(saved, 0.5),
    savedP99Ms: percentile(saved, 0.99),
    seenP50Ms: percentile(seen, 0.5),
    seenP99Ms: percentile(seen, 0.99),
    nodeMicrosPerEdit: sum(nodes) / edits,
    engineMicrosPerEdit: engine / edits,
    coresOfNodes: sum(nodes) / 1e6 / wallSeconds,
    coresOfEngine: engine / 1e6 / wallSeconds,
    coresOfLoad: (load.user + load.system) / 1e6 / wallSeconds,
    wallSeconds,
  }
}

function typeAt(all: readonly TypedWorkspace[], editsPerSecond: number, startMs: number): void {
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1_000) * editsPerSecond)
    // Not every(): it would stop at the first workspace that still has something to send.
    if (all.filter((workspace) => !workspace.sendDue(due)).length === 0) clearInterval(timer)
  }, PACE_TICK_MS)
}
