import { setTimeout as delay } from 'node:timers/promises'
import type { PeerClient } from '../../crash/peer-client.ts'
import { WAIT_MS } from '../../support/patience.ts'
import { type Random, randomBelow } from '../../support/seeded-random.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { until } from '../../support/until.ts'
import type { Contestant, Ground } from './ground.ts'

/** Workspaces of a round, with two people each. */
const WORKSPACES = 4
/** Everybody types an entry so often, ms. */
const TYPING_MS = 20
/** Time between two tries to read a workspace, ms. */
const AGAIN_MS = 200
/** Node that a newcomer reads from: it is never the one that fails. */
const NEWCOMERS_NODE = 2

export interface Failure {
  /** Nodes of the two people of a workspace. Node 0 fails. */
  readonly places: readonly [number, number]
  /** Lets something fail while people type, and go on to type. */
  readonly happen: (ground: Ground) => Promise<void>
  /** True if all leave while it lasts, and come back when it is over. False if they leave after it. */
  readonly leavesMeanwhile: boolean
}

/** How long a failure lasts, ms. */
const LASTS_MS = 3_000

export const FAILURES: Readonly<Record<string, Failure>> = {
  'a server is killed, with all people on it': {
    ...{ places: [0, 0], leavesMeanwhile: true },
    happen: (ground) => ground.killNode(0),
  },
  'a server is killed, half of the people on another': {
    ...{ places: [0, 1], leavesMeanwhile: true },
    happen: (ground) => ground.killNode(0),
  },
  'a server stands still for 3 s, and goes on': {
    ...{ places: [0, 1], leavesMeanwhile: false },
    happen: async (ground) => {
      ground.stallNode(0)
      await delay(LASTS_MS)
      ground.wakeNode(0)
    },
  },
  'a server stands still for 3 s, and is killed': {
    ...{ places: [0, 0], leavesMeanwhile: true },
    happen: async (ground) => {
      ground.stallNode(0)
      await delay(LASTS_MS)
      await ground.killNode(0)
    },
  },
  'one server of the engine (Redis, or one of three NATS servers) is killed and emptied, and back after 3 s': {
    ...{ places: [0, 1], leavesMeanwhile: false },
    happen: async (ground) => {
      await ground.emptyEngine('one')
      await delay(LASTS_MS)
      await ground.heal()
    },
  },
  'the same, and all people leave while it is away': {
    ...{ places: [0, 1], leavesMeanwhile: true },
    happen: async (ground) => {
      await ground.emptyEngine('one')
      await delay(LASTS_MS)
    },
  },
  'all servers of the engine (Redis, or three NATS servers) are killed and emptied, and back after 3 s': {
    ...{ places: [0, 1], leavesMeanwhile: false },
    happen: async (ground) => {
      await ground.emptyEngine('all')
      await delay(LASTS_MS)
      await ground.heal()
    },
  },
  'all of them, and all people leave while they are away': {
    ...{ places: [0, 1], leavesMeanwhile: true },
    happen: async (ground) => {
      await ground.emptyEngine('all')
      await delay(LASTS_MS)
    },
  },
}

export interface RoundOptions {
  readonly rounds: number
  /** The failure comes at a random moment of this span, ms. */
  readonly afterMs: readonly [min: number, max: number]
  /** Time for servers to store what they hold, and to unload it, after all have left, ms. */
  readonly quietMs: number
}

/** Counts of entries that one maker's servers called saved, and lost. */
export interface Losses {
  typed: number
  saved: number
  lost: number
  /** Workspaces of which a newcomer got other content at another node. */
  differing: number
  /** Last words of servers that ended by themselves. */
  readonly crashes: string[]
}

interface Person {
  readonly client: PeerClient
  readonly typed: { entry: string; frame: number }[]
}

/**
 * Lets one failure happen again and again while people type. Nobody sends anything again; a newcomer then reads what the healed
 * servers have.
 */
export async function failureRounds(
  contestant: Contestant,
  failure: Failure,
  random: Random,
  { rounds, afterMs: [min, max], quietMs }: RoundOptions,
): Promise<Losses> {
  await using home = await tempDirectory()
  await using ground = await contestant.start(home.path)
  const losses: Losses = { typed: 0, saved: 0, lost: 0, differing: 0, crashes: [] }
  for (let round = 0; round < rounds; round++) {
    const workspaces = Array.from({ length: WORKSPACES }, (_, n) => `round-${round}-${n}`)
    const people = await Promise.all(workspaces.map((workspace) => comeToWork(ground, workspace, failure.places)))
    const everybody = people.flat()
    const typing = setInterval(() => everybody.forEach(type), TYPING_MS)
    await until('something of everybody is saved', () => everybody.every((person) => savedBy(person).length > 0))
    await delay(min + randomBelow(random, max - min))
    await failure.happen(ground)
    if (!failure.leavesMeanwhile) await delay(LASTS_MS)
    clearInterval(typing)
    const saved = people.map((pair) => pair.flatMap(savedBy))
    for (const { client } of everybody) client.cut()
    const crash = ground.crashed()
    if (crash !== undefined) losses.crashes.push(crash)
    if (failure.leavesMeanwhile) await delay(quietMs)
    await ground.heal()
    await delay(quietMs)
    losses.typed += everybody.reduce((sum, { typed }) => sum + typed.length, 0)
    for (const [n, workspace] of workspaces.entries()) {
      const kept = await readUntilSynced(ground, NEWCOMERS_NODE, workspace)
      const elsewhere = await readUntilSynced(ground, 0, workspace)
      const entries = saved[n] ?? []
      losses.saved += entries.length
      losses.lost += entries.filter((entry) => !kept.has(entry)).length
      if (kept.symmetricDifference(elsewhere).size > 0) losses.differing++
    }
  }
  return losses
}

/** Two people in a new workspace. The first comes before the second. */
async function comeToWork(ground: Ground, workspace: string, places: readonly [number, number]): Promise<Person[]> {
  const people: Person[] = []
  for (const node of places) {
    people.push({ client: await letIn(ground, node, workspace), typed: [] })
  }
  return people
}

/** Servers that have just been healed may send people away for a moment, who then come again. */
async function letIn(ground: Ground, node: number, workspace: string): Promise<PeerClient> {
  const endsAtMs = performance.now() + WAIT_MS
  for (;;) {
    const client = ground.open(node, workspace)
    try {
      await client.synced
      return client
    } catch (cause) {
      client.cut()
      if (performance.now() > endsAtMs) throw new Error(`nobody is let in to ${workspace}`, { cause })
      await delay(AGAIN_MS)
    }
  }
}

function type({ client, typed }: Person): void {
  const entry = `${client.doc.clientID}:${typed.length}`
  client.doc.getArray<string>('entries').push([entry])
  typed.push({ entry, frame: client.framesSent })
}

/** The entries that the server has called saved; an entry that was typed while the socket was gone went with no frame. */
function savedBy({ client, typed }: Person): string[] {
  const { framesSaved } = client
  return typed
    .filter(({ frame }, n) => frame <= framesSaved && frame > (typed[n - 1]?.frame ?? 0))
    .map(({ entry }) => entry)
}

async function readUntilSynced(ground: Ground, node: number, workspace: string): Promise<Set<string>> {
  const endsAtMs = performance.now() + WAIT_MS
  for (;;) {
    const client = ground.open(node, workspace)
    const late = delay(5_000).then(() => Promise.reject(new Error('no answer within 5 s')))
    try {
      await Promise.race([client.synced, late])
      // Some servers send the rest after their answer.
      await delay(AGAIN_MS)
      return new Set(client.doc.getArray<string>('entries').toArray())
    } catch (cause) {
      if (performance.now() > endsAtMs) throw new Error(`${workspace} can't be read`, { cause })
      await delay(AGAIN_MS)
    } finally {
      late.catch(() => undefined)
      client.cut()
    }
  }
}
