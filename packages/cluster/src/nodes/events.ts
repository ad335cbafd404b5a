import { z } from 'zod'
import type { EngineBus } from '../engine/engine.ts'
import { matchesTopic } from '../engine/names.ts'
import { fromBytes, toBytes } from './json-value.ts'

/** Where an event goes: to listeners of this node, to those of other nodes, or to both. */
export type Route = 'local' | 'cluster' | 'both'

/** The first rule whose pattern takes a topic decides; without one an event goes to both. */
export interface RoutingRule {
  /** Words with dots between; `*` stands for one word, a last `>` for the rest. */
  readonly pattern: string
  readonly to: Route
}

export interface ClusterEvent {
  readonly topic: string
  /** Any JSON value. */
  readonly data: unknown
  /** Node that published it. */
  readonly node: string
}

/** Counts since the start of this node. */
export interface EventCounts {
  readonly published: number
  /** Events of other nodes that came here. */
  readonly received: number
  /** Calls of listeners. */
  readonly delivered: number
  /** Calls of listeners that threw. */
  readonly failed: number
  /** Events of other nodes that this version can't read. */
  readonly unreadable: number
}

type Listener = (event: ClusterEvent) => void

const PREFIX = 'jy.evt.'
const wireEvent = z.object({ node: z.string(), session: z.string(), data: z.unknown() })

/**
 * Events between the nodes of a cluster, at most once, kept nowhere. News that must not be missed is read from a log: an event
 * only says that it is worth looking.
 */
export class Events {
  readonly #bus: EngineBus
  readonly #self: { readonly node: string; readonly session: string }
  readonly #rules: readonly RoutingRule[]
  readonly #listeners = new Map<Listener, string>()
  readonly #counts = { published: 0, received: 0, delivered: 0, failed: 0, unreadable: 0 }
  readonly #stop: () => void

  constructor(bus: EngineBus, self: { node: string; session: string }, rules: readonly RoutingRule[] = []) {
    this.#bus = bus
    this.#self = self
    this.#rules = rules
    this.#stop = bus.subscribe(`${PREFIX}>`, (topic, bytes) => this.#receive(topic.slice(PREFIX.length), bytes))
  }

  get counts(): EventCounts {
    return { ...this.#counts }
  }

  /** Publishes an event by the first rule that takes its topic. Throws `invalid` for a topic of other characters. */
  publish(topic: string, data: unknown): void {
    const { node, session } = this.#self
    const to = this.#rules.find(({ pattern }) => matchesTopic(pattern, topic))?.to ?? 'both'
    this.#counts.published++
    if (to !== 'local') this.#bus.publish(PREFIX + topic, toBytes({ node, session, data }))
    if (to !== 'cluster') this.#deliver({ topic, data, node })
  }

  /** Calls `listener` at each event whose topic `pattern` takes. Returns unsubscribe. */
  subscribe(pattern: string, listener: Listener): () => void {
    const own: Listener = (event) => listener(event)
    this.#listeners.set(own, pattern)
    return () => void this.#listeners.delete(own)
  }

  close(): void {
    this.#stop()
    this.#listeners.clear()
  }

  #receive(topic: string, bytes: Uint8Array): void {
    const event = fromBytes(wireEvent, bytes)
    if (event === undefined) {
      this.#counts.unreadable++
      return
    }
    // The engine brings a node its own events, too.
    if (event.session === this.#self.session && event.node === this.#self.node) return
    this.#counts.received++
    this.#deliver({ topic, data: event.data, node: event.node })
  }

  #deliver(event: ClusterEvent): void {
    for (const [listener, pattern] of [...this.#listeners]) {
      if (!matchesTopic(pattern, event.topic)) continue
      this.#counts.delivered++
      try {
        listener(event)
      } catch {
        // One listener's failure is not the others': it is counted.
        this.#counts.failed++
      }
    }
  }
}
