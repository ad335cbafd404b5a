import { cp, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Random, randomBelow } from '../support/seeded-random.ts'
import type { ClusterWriters } from './cluster-writers.ts'
import type { HistoryWatch } from './history-watch.ts'
import { type JoineryCluster, NODES, type NodeIndex } from './joinery-cluster.ts'
import { SERVERS } from './nats-cluster.ts'

/** A failure that happens to a cluster, and stays so for the time of the round. Everything is healed afterwards. */
type Action = (cluster: JoineryCluster, random: Random, machine: NodeIndex, round: Round) => Promise<void>

interface Round {
  /** How long it lasts, ms. */
  readonly lastsMs: number
}

const SHORTEST_MS = 1_000

/** A machine is a node and the NATS server of the same number. */
const ACTIONS: Readonly<Record<string, Action>> = {
  'a node is killed': async (cluster, _random, node) => cluster.endNode(node),
  'a NATS server is killed': async (cluster, _random, server) => cluster.nats.end(server),
  'a machine is killed': async (cluster, _random, machine) => {
    await Promise.all([cluster.endNode(machine), cluster.nats.end(machine)])
  },
  'a node stands still': async (cluster, _random, node, { lastsMs }) => {
    cluster.signalNode(node, 'SIGSTOP')
    await delay(lastsMs)
    cluster.signalNode(node, 'SIGCONT')
  },
  'a NATS server stands still': async (cluster, _random, server, { lastsMs }) => {
    cluster.signalNats(server, 'SIGSTOP')
    await delay(lastsMs)
    cluster.signalNats(server, 'SIGCONT')
  },
  'a node is cut off from NATS': async (cluster, _random, node) => {
    for (const link of cluster.linksOf(node).nats) link.cut()
  },
  'a node is not heard by NATS': async (cluster, _random, node) => {
    for (const link of cluster.linksOf(node).nats) link.hold('up')
  },
  'a node does not hear NATS': async (cluster, _random, node) => {
    for (const link of cluster.linksOf(node).nats) link.hold('down')
  },
  'a node is not reached by the others': async (cluster, _random, node) => cluster.linksOf(node).peers.cut(),
  'a NATS server is cut off from the others': async (cluster, _random, server) => {
    for (const link of cluster.nats.routesOf(server)) link.cut()
  },
  'a NATS server is not heard by the others': async (cluster, _random, server) => cluster.nats.mute(server),
  'all NATS servers are alone': async (cluster) => {
    for (const server of SERVERS) for (const link of cluster.nats.routesOf(server)) link.cut()
  },
  'all NATS servers are killed': async (cluster) => {
    await Promise.all(SERVERS.map((server) => cluster.nats.end(server)))
  },
  'all nodes are killed': async (cluster) => cluster.stopNodes('SIGKILL'),
  'a node loses its disk': async (cluster, _random, node) => {
    await cluster.endNode(node)
    await cluster.wipeNode(node)
  },
  'a NATS server loses its disk': async (cluster, _random, server) => {
    await cluster.nats.end(server)
    await cluster.nats.deleteStore(server)
  },
  'a NATS server gets an older copy of its disk': async (cluster, _random, server, { lastsMs }) => {
    const store = cluster.nats.storeOf(server)
    const copy = `${store}-copy`
    await cluster.nats.end(server)
    await cp(store, copy, { recursive: true })
    await cluster.nats.startServer(server)
    await cluster.nats.untilHealthy(server)
    await delay(lastsMs)
    await cluster.nats.end(server)
    await rm(store, { recursive: true })
    await cp(copy, store, { recursive: true })
    await rm(copy, { recursive: true })
  },
  'a node is drained': async (cluster, _random, node) => cluster.endNode(node, 'SIGTERM'),
  'a NATS server is stopped cleanly': async (cluster, _random, server) => cluster.nats.end(server, 'SIGTERM'),
}

export interface NemesisOptions {
  readonly cluster: JoineryCluster
  readonly writers: ClusterWriters
  readonly watch: HistoryWatch
  readonly random: Random
  readonly rounds: number
  /** How long an action lasts at most, ms. */
  readonly lastsMsMax: number
  readonly say: (line: string) => void
}

/**
 * Does something bad to a cluster under writers, heals it, and looks whether all that was acknowledged is in the histories;
 * so many times.
 */
export async function torment(options: NemesisOptions): Promise<void> {
  const { cluster, writers, watch, random, rounds, lastsMsMax, say } = options
  let left: string[] = []
  for (let round = 1; round <= rounds; round++) {
    if (left.length === 0) left = Object.keys(ACTIONS)
    const [name = ''] = left.splice(randomBelow(random, left.length), 1)
    const machine = NODES[randomBelow(random, NODES.length)] ?? 0
    const lastsMs = SHORTEST_MS + randomBelow(random, lastsMsMax)
    say(`${round}. ${name} (${machine}) …`)
    const beganMs = performance.now()
    const before = writers.acknowledged
    await ACTIONS[name]?.(cluster, random, machine, { lastsMs })
    await delay(lastsMs)
    const meanwhile = writers.acknowledged - before
    const healsMs = performance.now()
    await cluster.heal()
    await writers.untilGoingOn()
    const goesOnMs = performance.now()
    await expectAcknowledged(writers, watch)
    const seconds = (ms: number): string => (ms / 1_000).toFixed(1)
    say(
      `${round}. ${name} (${machine}), ${seconds(healsMs - beganMs)} s: ${meanwhile} acknowledged meanwhile; all goes on ${seconds(goesOnMs - healsMs)} s after`,
    )
  }
}

/** Fails unless all that was acknowledged until now is in the histories, each entry once. */
export async function expectAcknowledged(writers: ClusterWriters, watch: HistoryWatch): Promise<void> {
  const ledgers = writers.ledgers()
  const entries = await watch.look()
  for (const { writer, acknowledged } of ledgers) {
    const held = new Set(entries.get(writer.workspace))
    expect(
      acknowledged.filter((entry) => !held.has(entry)),
      `acknowledged to ${writer.name} and lost; incomplete histories: ${[...watch.incomplete].join(', ') || 'none'}`,
    ).toEqual([])
  }
  for (const [workspace, all] of entries) expect(new Set(all).size, `entries of ${workspace}`).toBe(all.length)
}
