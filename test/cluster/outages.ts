import { setTimeout as delay } from 'node:timers/promises'
import { natsServerPath } from '@joinery/cluster/testing'
import { SdkWriter } from '../crash/sdk-writer.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'
import { Balancer } from './balancer.ts'
import { HistoryWatch } from './history-watch.ts'
import { JoineryCluster, NODES, type NodeIndex } from './joinery-cluster.ts'
import { SERVERS, type ServerIndex } from './nats-cluster.ts'
import { ReadyChecks } from './ready-checks.ts'

/**
 * Measures what people wait for when a part of a cluster fails: until what they type right after it is saved, and until it is on the
 * screen of the other person in their workspace. `node test/cluster/outages.ts [TRIES] [FAILURE …]`, with NATS_SERVER or nats-server
 * on PATH. One person of each workspace comes to its owner, and the other one to the next node, which passes the socket on.
 */
const [tries = '1', ...asked] = process.argv.slice(2)
/** Workspaces that each node owns. */
const WORKSPACES_OF_NODE = 3
/** Longest time that a failure stays, ms: more than the SDK's 30 s of silence. */
const LASTS_MS = 60_000
/** Time between a repaired cluster and the next failure, ms. */
const REST_MS = 3_000
/** Pause between two looks at what is saved and seen, ms. */
const LOOK_MS = 5

interface Place {
  readonly cluster: JoineryCluster
  /** The node that fails, which owns a third of all workspaces. */
  readonly node: NodeIndex
  /** The NATS server that leads most parts. */
  readonly leader: ServerIndex
}

type Failure = (place: Place) => Promise<unknown> | void

const FAILURES: Readonly<Record<string, Failure>> = {
  nothing: () => undefined,
  'the owner is killed': ({ cluster, node }) => cluster.endNode(node),
  'the owner stands still': ({ cluster, node }) => cluster.signalNode(node, 'SIGSTOP'),
  'the owner is cut off from NATS': ({ cluster, node }) => {
    for (const link of cluster.linksOf(node).nats) link.cut()
  },
  'the owner is drained (SIGTERM)': ({ cluster, node }) => void cluster.endNode(node, 'SIGTERM'),
  'a NATS leader is killed': ({ cluster, leader }) => cluster.nats.end(leader),
  'a NATS leader is stopped cleanly': ({ cluster, leader }) => cluster.nats.end(leader, 'SIGTERM'),
  'a machine with owner and NATS leader is killed': ({ cluster, leader }) =>
    Promise.all([cluster.endNode(leader), cluster.nats.end(leader)]),
}

const GROUPS = [
  'at the failed owner',
  'through another node to it',
  'through the failed node to another owner',
  'all others',
] as const
type Group = (typeof GROUPS)[number]

interface Person {
  readonly writer: SdkWriter
  readonly group: Group
  /** The other one in the workspace. */
  readonly other: SdkWriter
}

/** A load balancer for each node: it sends clients elsewhere while that node is not ready. */
class Entrances {
  readonly #checks: ReadyChecks
  readonly #balancers: readonly Balancer[]

  private constructor(checks: ReadyChecks, balancers: readonly Balancer[]) {
    this.#checks = checks
    this.#balancers = balancers
  }

  static async start(cluster: JoineryCluster): Promise<Entrances> {
    const ports = NODES.map((node) => cluster.linksOf(node).port)
    const checks = new ReadyChecks(ports)
    const isUp = (port: number): boolean => checks.isUp(port)
    return new Entrances(checks, await Promise.all(ports.map((first) => Balancer.start(ports, { first, isUp }))))
  }

  urlOf(node: number): string {
    return `ws://${this.#balancers[node % NODES.length]?.address}`
  }

  async stop(): Promise<void> {
    this.#checks.stop()
    await Promise.all(this.#balancers.map((balancer) => balancer.stop()))
  }
}

async function measure(natsPath: string): Promise<void> {
  await using home = await tempDirectory()
  const cluster = await JoineryCluster.start(natsPath, home.path)
  const watch = await HistoryWatch.open(cluster.nats)
  const entrances = await Entrances.start(cluster)
  try {
    console.log(`median, longest, in seconds: until saved; until on the other one's screen`)
    console.log(`| failure | ${GROUPS.join(' | ')} |`)
    for (const [name, fail] of Object.entries(FAILURES)) {
      if (asked.length > 0 && !asked.includes(name)) continue
      const waits = new Map(GROUPS.map((group) => [group, { savedMs: [] as number[], seenMs: [] as number[] }]))
      for (let tried = 0; tried < Number(tries); tried++) {
        const leader = await leaderOf(watch)
        const place = { cluster, leader, node: leader }
        const people = await comeToWork(entrances, place.node, `${name.replace(/\W+/g, '-')}-${tried}`)
        const failing = Promise.resolve(fail(place))
        await Promise.race([failing, delay(0)])
        const typing = Promise.all(people.map((person) => typeOnce(person, waits)))
        await Promise.race([delay(LASTS_MS), typing])
        await repair(place, failing)
        await within(`all is saved and seen after ${name}`, typing)
        await Promise.all(people.map(({ writer }) => writer.stop()))
        await delay(REST_MS)
      }
      const cells = GROUPS.map((group) => cellOf(waits.get(group)))
      console.log(`| ${name} | ${cells.join(' | ')} |`)
    }
  } finally {
    await entrances.stop()
    await watch.close()
    await cluster.stop()
  }
}

/** Two people for each workspace. Resolves when all have typed, and have seen all of it. */
async function comeToWork(entrances: Entrances, failed: NodeIndex, name: string): Promise<Person[]> {
  const pairs = NODES.flatMap((owner) =>
    Array.from({ length: WORKSPACES_OF_NODE }, (_, n) => ({ owner, workspace: `${name}-${owner}-${n}` })),
  )
  const people = await Promise.all(
    pairs.map(async ({ owner, workspace }) => {
      const first = new SdkWriter(entrances.urlOf(owner), workspace, 'first')
      first.type()
      // The node that the first one comes to owns the workspace.
      await until(`${workspace} has an owner`, () => first.ledger.isAcknowledged)
      const second = new SdkWriter(entrances.urlOf(owner + 1), workspace, 'second')
      second.type()
      await until('both see both', () => first.entries().length === 2 && second.entries().length === 2)
      await until('both are saved', () => second.ledger.isAcknowledged)
      const [here, beside] = groupsOf(owner, failed)
      return [
        { writer: first, group: here, other: second },
        { writer: second, group: beside, other: first },
      ]
    }),
  )
  return people.flat()
}

function groupsOf(owner: NodeIndex, failed: NodeIndex): readonly [Group, Group] {
  if (owner === failed) return ['at the failed owner', 'through another node to it']
  const isThrough = (owner + 1) % NODES.length === failed
  return ['all others', isThrough ? 'through the failed node to another owner' : 'all others']
}

async function typeOnce({ writer, group, other }: Person, waits: ReadonlyMap<Group, Waits>): Promise<void> {
  writer.type()
  const beganMs = performance.now()
  const { typed } = writer.ledger
  const [entry = '', count] = [typed.at(-1), typed.length]
  const since = async (holds: () => boolean, to: number[] | undefined): Promise<void> => {
    while (!holds()) await delay(LOOK_MS)
    to?.push(performance.now() - beganMs)
  }
  await Promise.all([
    since(() => writer.ledger.acknowledged >= count, waits.get(group)?.savedMs),
    since(() => other.entries().includes(entry), waits.get(group)?.seenMs),
  ])
}

async function repair({ cluster, node }: Place, failing: Promise<unknown>): Promise<void> {
  await failing
  cluster.signalNode(node, 'SIGCONT')
  await cluster.heal()
}

/** The NATS server that leads most parts. */
async function leaderOf({ engine }: HistoryWatch): Promise<ServerIndex> {
  const leaders = (await engine.leaders.list()).map(({ leader }) => SERVERS.find((each) => leader === `nats-${each}`))
  const known = leaders.filter((leader) => leader !== undefined)
  const [first] = [...Map.groupBy(known, (leader) => leader)].toSorted(([, a], [, b]) => b.length - a.length)
  if (first === undefined) throw new Error('the cluster has no leader: is it up?')
  return first[0]
}

interface Waits {
  readonly savedMs: number[]
  readonly seenMs: number[]
}

function cellOf({ savedMs, seenMs }: Waits = { savedMs: [], seenMs: [] }): string {
  const inSeconds = (waitsMs: readonly number[]): string => {
    const sorted = waitsMs.toSorted((a, b) => a - b)
    const at = (index: number): string => ((sorted[index] ?? Number.NaN) / 1_000).toFixed(2)
    return sorted.length === 0 ? '–' : `${at(Math.floor(sorted.length / 2))}, ${at(sorted.length - 1)}`
  }
  return `${inSeconds(savedMs)}; ${inSeconds(seenMs)}`
}

const path = await natsServerPath()
if (path === undefined) throw new Error('name a NATS server of version 2.12 or newer: NATS_SERVER=/path/to/nats-server')
await measure(path)
process.exit(0)
