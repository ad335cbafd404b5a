import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { ClusterError } from './cluster-error.ts'
import { fromBytes, toBytes } from './json-value.ts'
import { checkNode } from './names.ts'

const nodeInfo = z.object({
  /** Name of the node: it stays over restarts. */
  node: z.string(),
  /** This run of the node. */
  session: z.string(),
  /** Where other nodes and gateways reach it, as `host:port`. */
  address: z.string(),
  version: z.string(),
  /** True for a node that gives its workspaces away and takes no new ones. */
  isDraining: z.boolean(),
  /** Kinds of messages that the node reads, beside those that every version does. Earlier versions say nothing. */
  kinds: z.array(z.string()).optional(),
})

export type NodeInfo = Readonly<z.infer<typeof nodeInfo>>

/** A node that does not renew its entry for so long is gone, ms. */
const ENTRY_MS = 10_000
const RENEW_MS = 3_000
/** A node that does not answer for so long is not served by: it may be stalled or cut off, ms. */
const ANSWER_MS = 3_000
/** Nobody at all answering for so long means that the process is gone, ms: a connection may be on its way. */
const GONE_MS = 1_000
const ASK_AGAIN_MS = 200
/** Time for which a run that did not answer is taken for gone, without another question, ms. */
const TAKEN_FOR_GONE_MS = 5_000

export interface NodesOptions {
  readonly engine: Engine
  readonly self: NodeInfo
  readonly clock?: SteadyClock
  /** Called when another run of this node has taken its name: this process must end. */
  readonly onReplaced?: () => void
}

/** The nodes of a cluster, and this one among them. */
export class Nodes {
  readonly #engine: Engine
  readonly #clock: SteadyClock
  readonly #onReplaced: () => void
  readonly #nodes = new Map<string, NodeInfo>()
  readonly #ends: (() => void)[] = []
  #trouble: EngineError | undefined
  /** Runs that did not answer, with the time until which nobody asks them again, ms of the monotonic clock. */
  readonly #gone = new Map<string, number>()
  #self: NodeInfo
  #revision = 0
  #isLeft = false
  #renewal: Promise<void> = Promise.resolve()

  private constructor({ engine, self, clock = systemSteadyClock, onReplaced = () => {} }: NodesOptions) {
    this.#engine = engine
    this.#clock = clock
    this.#self = { ...self, node: checkNode(self.node) }
    this.#onReplaced = onReplaced
  }

  /**
   * Enters this node. Rejects with `name_taken` if another process of this name answers, and with the engine's errors. An
   * entry that a killed run has left is taken over.
   */
  static async join(options: NodesOptions): Promise<Nodes> {
    const nodes = new Nodes(options)
    await nodes.#enter()
    const { bus, live } = nodes.#engine
    const { node } = nodes.#self
    nodes.#ends.push(bus.respond(topicOf(node), async () => toBytes(nodes.#self)))
    try {
      await bus.settled()
      nodes.#ends.push(await live.watch((key, entry) => nodes.#note(key, entry?.value)))
    } catch (error) {
      for (const end of nodes.#ends.splice(0)) end()
      throw error
    }
    nodes.#renewLater()
    return nodes
  }

  get self(): NodeInfo {
    return this.#self
  }

  /** The reason why this node's entry could not be renewed at the last try: the engine takes no writes then. */
  get trouble(): EngineError | undefined {
    return this.#trouble
  }

  /** Nodes with a living entry, this one included, by name. It may lag by the time of an entry. */
  list(): NodeInfo[] {
    return [...this.#nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
  }

  /**
   * Asks a node. Resolves with what it says of itself, or with undefined if nobody answers for it: after 1 s without anybody who
   * could, or 3 s without an answer. A wrong verdict costs its clients a reconnect, and never data.
   */
  async ask(node: string): Promise<NodeInfo | undefined> {
    const endsAtMs = this.#clock.monotonicMs() + GONE_MS
    for (;;) {
      try {
        return fromBytes(nodeInfo, await this.#engine.bus.request(topicOf(node), new Uint8Array(), ANSWER_MS))
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        if (error.code !== 'no_responders' || this.#clock.monotonicMs() >= endsAtMs) return undefined
      }
      await new Promise<void>((resolve) => void this.#clock.after(ASK_AGAIN_MS, resolve))
    }
  }

  /** True if that run of a node answers. Rejects with the engine's errors. */
  async serves(node: string, session: string): Promise<boolean> {
    return !this.isGone(session) && (await this.ask(node))?.session === session
  }

  /** Notes that a run of a node does not answer: it is not waited for anew during the next seconds. */
  noteGone(session: string): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [each, untilMs] of this.#gone) if (untilMs <= nowMs) this.#gone.delete(each)
    this.#gone.set(session, nowMs + TAKEN_FOR_GONE_MS)
  }

  isGone(session: string): boolean {
    return (this.#gone.get(session) ?? Number.NEGATIVE_INFINITY) > this.#clock.monotonicMs()
  }

  /** Says that this node gives its workspaces away. */
  async drain(): Promise<void> {
    this.#self = { ...this.#self, isDraining: true }
    await this.#renew()
  }

  /** Takes this node's entry away. Idempotent. */
  async leave(): Promise<void> {
    if (this.#isLeft) return
    this.#isLeft = true
    for (const end of this.#ends.splice(0)) end()
    await this.#renewal
    await this.#engine.live.delete(keyOf(this.#self.node), this.#revision)
  }

  async #enter(): Promise<void> {
    const { live } = this.#engine
    const key = keyOf(this.#self.node)
    for (;;) {
      const entry = await live.get(key)
      // The entry of this run is there if the answer to an earlier try was lost.
      const isOwn = entry !== undefined && fromBytes(nodeInfo, entry.value)?.session === this.#self.session
      if (entry !== undefined && !isOwn && (await this.ask(this.#self.node)) !== undefined) {
        const message = `a living node has the name ${this.#self.node}: give this one another name, or stop that one`
        throw new ClusterError('name_taken', message)
      }
      const value = toBytes(this.#self)
      const written =
        entry === undefined
          ? await live.create(key, value, ENTRY_MS)
          : await live.update(key, value, entry.revision, ENTRY_MS)
      if (written === 'refused') continue
      this.#revision = written
      return
    }
  }

  #renewLater(): void {
    const cancel = this.#clock.after(RENEW_MS, () => {
      this.#ends.splice(this.#ends.indexOf(cancel), 1)
      // An entry that can't be renewed ends by itself; it is entered again once the engine answers.
      void this.#renew()
        .then(
          () => this.#noteTrouble(undefined),
          (error: unknown) => this.#noteTrouble(error),
        )
        .finally(() => {
          if (!this.#isLeft) this.#renewLater()
        })
    })
    this.#ends.push(cancel)
  }

  #noteTrouble(error: unknown): void {
    this.#trouble = error instanceof EngineError ? error : undefined
  }

  #renew(): Promise<void> {
    this.#renewal = this.#renewal.then(async () => {
      const { live } = this.#engine
      const key = keyOf(this.#self.node)
      const value = toBytes(this.#self)
      let written = await live.update(key, value, this.#revision, ENTRY_MS)
      if (written === 'refused') {
        const entry = await live.get(key)
        const owner = entry === undefined ? undefined : fromBytes(nodeInfo, entry.value)
        if (owner !== undefined && owner.session !== this.#self.session) return this.#onReplaced()
        written =
          entry === undefined
            ? await live.create(key, value, ENTRY_MS)
            : await live.update(key, value, entry.revision, ENTRY_MS)
      }
      if (written !== 'refused') this.#revision = written
    })
    const renewal = this.#renewal
    this.#renewal = renewal.catch(() => undefined)
    return renewal
  }

  #note(key: string, value: Uint8Array | undefined): void {
    const node = /^node\.(.+)$/.exec(key)?.[1]
    if (node === undefined) return
    const info = value === undefined ? undefined : fromBytes(nodeInfo, value)
    if (info === undefined) this.#nodes.delete(node)
    else this.#nodes.set(node, info)
  }
}

function keyOf(node: string): string {
  return `node.${node}`
}

function topicOf(node: string): string {
  return `jy.node.${node}.ask`
}
