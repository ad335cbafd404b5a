import { setTimeout as delay } from 'node:timers/promises'
import { natsServerPath } from '@joinery/cluster/testing'
import { SdkWriter } from '../crash/sdk-writer.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { HistoryWatch } from './history-watch.ts'
import { JoineryCluster, NODES, type NodeIndex } from './joinery-cluster.ts'
import { SERVERS, type ServerIndex } from './nats-cluster.ts'

/**
 * Measures how long people wait for `saved` when a part of a cluster fails: `node test/cluster/outages.ts [TRIES]`, with
 * NATS_SERVER or nats-server on PATH. Each person types once right after the failure.
 */
const [tries = '3'] = process.argv.slice(2)
/** Workspaces, with one person each. */
const WORKSPACES = 9
/** Time that a failure stays, ms. */
const LASTS_MS = 15_000
/** Time between a repaired cluster and the next failure, ms. */
const REST_MS = 3_000
/** Pause between two looks at what is acknowledged, ms. */
const LOOK_MS = 5

interface Place {
  readonly cluster: JoineryCluster
  /** Owner of most workspaces. */
  readonly owner: NodeIndex
  /** The NATS server that leads most parts. */
  readonly leader: ServerIndex
}

type Failure = (place: Place) => Promise<unknown> | void

const FAILURES: Readonly<Record<string, Failure>> = {
  nothing: () => undefined,
  'the owner is killed': ({ cluster, owner }) => cluster.endNode(owner),
  'the owner stands still': ({ cluster, owner }) => cluster.signalNode(owner, 'SIGSTOP'),
  'the owner is cut off from NATS': ({ cluster, owner }) => {
    for (const link of cluster.linksOf(owner).nats) link.cut()
  },
  'the owner is drained (SIGTERM)': ({ cluster, owner }) => void cluster.endNode(owner, 'SIGTERM'),
  'a NATS leader is killed': ({ cluster, leader }) => cluster.nats.end(leader),
  'a NATS leader is stopped cleanly': ({ cluster, leader }) => cluster.nats.end(leader, 'SIGTERM'),
  'a machine with owner and NATS leader is killed': ({ cluster, owner }) =>
    Promise.all([cluster.endNode(owner), cluster.nats.end(owner)]),
}

async function measure(natsPath: string): Promise<void> {
  await using home = await tempDirectory()
  const cluster = await JoineryCluster.start(natsPath, home.path)
  const watch = await HistoryWatch.open(cluster.nats)
  const people = Array.from({ length: WORKSPACES }, (_, n) => new SdkWriter(cluster.url, `w${n}`, `person-${n}`))
  try {
    console.log('failure | affected: median, longest s | others: median, longest s')
    for (const [name, fail] of Object.entries(FAILURES)) {
      const affected: number[] = []
      const others: number[] = []
      for (let tried = 0; tried < Number(tries); tried++) {
        await acknowledged(people)
        await delay(REST_MS)
        const owners = await ownersOf(watch)
        const owner = mostFrequent([...owners.values()])
        const leader = await leaderOf(watch)
        const failing = Promise.resolve(fail({ cluster, owner, leader }))
        await Promise.race([failing, delay(0)])
        const repaired = name === 'nothing' ? undefined : delay(LASTS_MS).then(() => repair(cluster, owner, failing))
        const beganMs = performance.now()
        const isAffected = (person: SdkWriter): boolean => owners.get(person.workspace) === owner
        await Promise.all(
          people.map(async (person) => {
            person.type()
            const count = person.ledger.typed.length
            while (person.ledger.acknowledged < count) await delay(LOOK_MS)
            ;(isAffected(person) ? affected : others).push(performance.now() - beganMs)
          }),
        )
        await repaired
      }
      console.log(`${name} | ${inSeconds(affected)} | ${inSeconds(others)}`)
    }
  } finally {
    await watch.close()
    await Promise.all(people.map((person) => person.stop().catch(() => undefined)))
    await cluster.stop()
  }
}

async function repair(cluster: JoineryCluster, owner: NodeIndex, failing: Promise<unknown>): Promise<void> {
  await failing
  cluster.signalNode(owner, 'SIGCONT')
  await cluster.heal()
}

/** Each person types, and has it saved. */
async function acknowledged(people: readonly SdkWriter[]): Promise<void> {
  for (const person of people) person.type()
  await until('all is saved', () => people.every(({ ledger }) => ledger.isAcknowledged))
}

async function ownersOf(watch: HistoryWatch): Promise<Map<string, NodeIndex>> {
  const owners = new Map<string, NodeIndex>()
  for (const { key, value } of await watch.engine.meta.entries()) {
    if (!key.startsWith('own.')) continue
    const { node } = JSON.parse(Buffer.from(value).toString()) as { node: string }
    const index = NODES.find((each) => `n${each}` === node)
    if (index !== undefined) owners.set(Buffer.from(key.slice('own.'.length), 'base64url').toString(), index)
  }
  return owners
}

/** The NATS server that leads most parts. */
async function leaderOf({ engine }: HistoryWatch): Promise<ServerIndex> {
  const leaders = (await engine.leaders.list()).map(({ leader }) => SERVERS.find((each) => leader === `nats-${each}`))
  return mostFrequent(leaders.filter((leader) => leader !== undefined))
}

function mostFrequent<T>(values: readonly T[]): T {
  const [first] = [...Map.groupBy(values, (value) => value)].toSorted(([, a], [, b]) => b.length - a.length)
  if (first === undefined) throw new Error('the cluster has no owner or no leader: is it up?')
  return first[0]
}

function inSeconds(waitsMs: readonly number[]): string {
  const sorted = waitsMs.toSorted((a, b) => a - b)
  const at = (index: number): string => ((sorted[index] ?? Number.NaN) / 1_000).toFixed(2)
  return sorted.length === 0 ? '–' : `${at(Math.floor(sorted.length / 2))}, ${at(sorted.length - 1)}`
}

const path = await natsServerPath()
if (path === undefined) throw new Error('name a NATS server of version 2.12 or newer: NATS_SERVER=/path/to/nats-server')
await measure(path)
process.exit(0)
