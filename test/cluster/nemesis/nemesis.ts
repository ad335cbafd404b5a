import { cp, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '@joinery/cluster'
import { expect } from 'vitest'
import { type Random, randomBelow } from '../../support/seeded-random.ts'
import type { HistoryWatch } from '../history-watch.ts'
import { type JoineryCluster, NODES, type NodeIndex } from '../joinery-cluster.ts'
import { SERVERS } from '../nats-cluster.ts'
import type { ClusterWriters } from './cluster-writers.ts'
import { type Orders, WORKERS } from './orders.ts'

/** A cluster, and everybody who works at it. */
export interface Tormented {
  readonly cluster: JoineryCluster
  readonly writers: ClusterWriters
  readonly orders: Orders
  readonly watch: HistoryWatch
  readonly random: Random
}

/** A failure of a machine: a node and the NATS server of the same number. */
interface Failure {
  /** True if a leader of NATS fails. By default the owner of a workspace does. */
  readonly ofLeader?: boolean
  readonly begin: (cluster: JoineryCluster, machine: NodeIndex) => Promise<void> | void
  /** Ends what starting the processes and healing the links does not end. */
  readonly end?: (cluster: JoineryCluster, machine: NodeIndex) => Promise<void> | void
  /** True if no quorum, or no node, is left: edits are acknowledged only after it. */
  readonly stopsAll?: boolean
}

/** The failures of every day. Each leaves a quorum and two nodes, which go on while it stands. */
const EVERYDAY: Readonly<Record<string, Failure>> = {
  'a node is killed': { begin: (cluster, node) => cluster.endNode(node) },
  'a NATS server is killed': { ofLeader: true, begin: (cluster, server) => cluster.nats.end(server) },
  'a machine is killed': {
    begin: async (cluster, machine) => void (await Promise.all([cluster.endNode(machine), cluster.nats.end(machine)])),
  },
  'a node stands still': {
    begin: (cluster, node) => cluster.signalNode(node, 'SIGSTOP'),
    end: (cluster, node) => cluster.signalNode(node, 'SIGCONT'),
  },
  'a node is cut off from NATS': {
    begin: (cluster, node) => {
      for (const link of cluster.linksOf(node).nats) link.cut()
    },
  },
  'a node is not heard by NATS': {
    begin: (cluster, node) => {
      for (const link of cluster.linksOf(node).nats) link.hold('up')
    },
  },
  'a node loses its disk': {
    begin: async (cluster, node) => {
      await cluster.endNode(node)
      await cluster.wipeNode(node)
    },
  },
  'a node is drained': { begin: (cluster, node) => cluster.endNode(node, 'SIGTERM') },
}

/** All failures. */
const FAILURES: Readonly<Record<string, Failure>> = {
  ...EVERYDAY,
  'a NATS server stands still': {
    ofLeader: true,
    begin: (cluster, server) => cluster.signalNats(server, 'SIGSTOP'),
    end: (cluster, server) => cluster.signalNats(server, 'SIGCONT'),
  },
  'a node does not hear NATS': {
    begin: (cluster, node) => {
      for (const link of cluster.linksOf(node).nats) link.hold('down')
    },
  },
  'a node is not reached by the others': { begin: (cluster, node) => cluster.linksOf(node).peers.cut() },
  'a NATS server is cut off from the others': {
    ofLeader: true,
    begin: (cluster, server) => {
      for (const link of cluster.nats.routesOf(server)) link.cut()
    },
  },
  'a NATS server is not heard by the others': { ofLeader: true, begin: (cluster, server) => cluster.nats.mute(server) },
  'all NATS servers are alone': {
    begin: (cluster) => {
      for (const server of SERVERS) for (const link of cluster.nats.routesOf(server)) link.cut()
    },
    stopsAll: true,
  },
  'all NATS servers are killed': {
    begin: async (cluster) => void (await Promise.all(SERVERS.map((server) => cluster.nats.end(server)))),
    stopsAll: true,
  },
  'all nodes are killed': { begin: (cluster) => cluster.stopNodes('SIGKILL'), stopsAll: true },
  'a NATS server loses its disk': {
    ofLeader: true,
    begin: async (cluster, server) => {
      await cluster.nats.end(server)
      await cluster.nats.deleteStore(server)
    },
  },
  'a NATS server gets an older copy of its disk': {
    ofLeader: true,
    begin: async (cluster, server) => {
      const store = cluster.nats.storeOf(server)
      await cluster.nats.end(server)
      await cp(store, `${store}-copy`, { recursive: true })
      await cluster.nats.startServer(server)
      await cluster.nats.untilHealthy(server)
    },
    end: async (cluster, server) => {
      const store = cluster.nats.storeOf(server)
      await cluster.nats.end(server)
      await rm(store, { recursive: true })
      await cp(`${store}-copy`, store, { recursive: true })
      await rm(`${store}-copy`, { recursive: true })
    },
  },
  'a NATS server is stopped cleanly': {
    ofLeader: true,
    begin: (cluster, server) => cluster.nats.end(server, 'SIGTERM'),
  },
}

const CLOCK_STEPS_MS = [3_600_000, -3_600_000, 86_400_000, 0]

const draw = <T>(random: Random, all: readonly T[]): T | undefined => all[randomBelow(random, all.length)]

/** Something that happens beside a failure, just before it. Returns the end of it. */
type Trouble = (scene: Tormented) => Promise<(() => Promise<void> | void) | undefined>

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'a clock jumps': async ({ cluster, random }) => {
    await cluster.linksOf(draw(random, NODES) ?? 0).clock?.step(draw(random, CLOCK_STEPS_MS) ?? 0)
    return undefined
  },
  'a leader steps down': async ({ watch: { engine }, random }) => {
    const part = draw(random, await engine.leaders.list())?.part ?? ''
    await engine.leaders.stepDown(part).catch((error: unknown) => {
      // Servers that have just been healed may have no leader to step down.
      if (!(error instanceof EngineError) || error.code !== 'unavailable') throw error
    })
    return undefined
  },
  'a worker is killed': async ({ orders, random }) => {
    const worker = draw(random, WORKERS) ?? 0
    await orders.killWorker(worker)
    return () => orders.startWorker(worker)
  },
  'a worker stands still': async ({ orders, random }) => {
    const worker = draw(random, WORKERS) ?? 0
    orders.signalWorker(worker, 'SIGSTOP')
    return () => orders.signalWorker(worker, 'SIGCONT')
  },
}

export interface NemesisOptions extends Tormented {
  readonly rounds: number
  /** Whether all failures happen, or those of every day alone. */
  readonly hasAll: boolean
  /** How long a failure lasts beyond the time until the others go on, at most, ms. */
  readonly lastsMsMax: number
}

/**
 * Lets something fail at a cluster under writers and orders, waits until the rest of it goes on, heals it, and looks whether all that
 * was acknowledged is in the histories; so many times. Each failure has its turn before one comes again.
 */
export async function torment(options: NemesisOptions): Promise<void> {
  const { cluster, writers, random, rounds, hasAll, lastsMsMax } = options
  const failures = new Turns(hasAll ? FAILURES : EVERYDAY, random)
  const troubles = new Turns(TROUBLES, random)
  for (let round = 1; round <= rounds; round++) {
    const [name, failure] = failures.next()
    const [beside, trouble] = troubles.next()
    const machine = await machineOf(options, failure)
    const title = `${round}. ${name} (${machine}), ${beside}`
    console.log(`${title} …`)
    const clock = new Stopwatch()
    const endTrouble = await trouble(options)
    await failure.begin(cluster, machine)
    if (failure.stopsAll !== true) await writers.untilGoingOn()
    const goesOn = failure.stopsAll === true ? 'all stands' : `the others go on after ${clock.lap()} s`
    await delay(randomBelow(random, lastsMsMax + 1))
    await failure.end?.(cluster, machine)
    await Promise.all([cluster.heal(), endTrouble?.()])
    const healed = clock.lap()
    await writers.untilGoingOn()
    const whole = clock.lap()
    await expectAcknowledged(options)
    console.log(
      `${title}: ${goesOn}, healed in ${healed} s, all goes on ${whole} s later, compared in ${clock.lap()} s`,
    )
  }
}

/** The machine that leads a part of NATS, or the one that owns a workspace, whichever part or workspace is drawn. */
async function machineOf({ watch, writers, random }: Tormented, { ofLeader = false }: Failure): Promise<NodeIndex> {
  const name = ofLeader
    ? draw(random, await watch.engine.leaders.list())?.leader
    : watch.ownerOf(draw(random, writers.workspaces) ?? '')
  return NODES.find((node) => name?.endsWith(String(node))) ?? 0
}

/**
 * Fails unless all that was acknowledged until now is in the histories, each entry once. With `isWhole` they are read anew, and everybody
 * has settled: no edit waits for another one.
 */
export async function expectAcknowledged(
  { writers, watch }: Pick<Tormented, 'writers' | 'watch'>,
  options: { readonly isWhole?: boolean } = {},
): Promise<void> {
  const ledgers = writers.ledgers()
  const through = new Map<string, number>()
  for (const { writer, lsn } of ledgers) {
    through.set(writer.workspace, Math.max(lsn, through.get(writer.workspace) ?? 0))
  }
  await watch.look({ ...options, through })
  for (const workspace of writers.workspaces) {
    if (options.isWhole === true) watch.assertWhole(workspace)
    const entries = watch.entriesOf(workspace)
    const held = new Set(entries)
    for (const { writer, acknowledged } of ledgers) {
      if (writer.workspace !== workspace) continue
      const lost = acknowledged.filter((entry) => !held.has(entry))
      expect(lost, `acknowledged to ${writer.name}, and lost: ${watch.stateOf(workspace)}`).toEqual([])
    }
    const doubled = entries.filter((entry, index) => entries.indexOf(entry) !== index)
    expect(doubled, `entries that are twice in ${workspace}`).toEqual([])
  }
}

/** Draws from a table so that each entry has its turn before one comes again. */
class Turns<T> {
  readonly #table: Readonly<Record<string, T>>
  readonly #random: Random
  #left: [string, T][] = []

  constructor(table: Readonly<Record<string, T>>, random: Random) {
    this.#table = table
    this.#random = random
  }

  next(): [string, T] {
    if (this.#left.length === 0) this.#left = Object.entries(this.#table)
    const [drawn] = this.#left.splice(randomBelow(this.#random, this.#left.length), 1)
    if (drawn === undefined) throw new RangeError('the table is empty')
    return drawn
  }
}

class Stopwatch {
  #sinceMs = performance.now()

  /** Seconds since the last lap. */
  lap(): string {
    const nowMs = performance.now()
    const seconds = (nowMs - this.#sinceMs) / 1_000
    this.#sinceMs = nowMs
    return seconds.toFixed(1)
  }
}
