import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { START } from '../history/position.ts'
import { PurgeWatch } from './purge-watch.ts'
import { Random } from './random.ts'
import { RandomFaults } from './random-faults.ts'
import { SimulatedNode, WORKSPACE } from './simulated-node.ts'
import { VirtualTime } from './virtual-time.ts'

export interface Outcome {
  readonly acknowledged: number
  readonly epochs: number
  readonly kills: number
  readonly purges: number
  /** Promises that were not kept; empty when all is well. */
  readonly violations: readonly string[]
}

const NODES = ['a', 'b', 'c']
const FAULTY_MS = 8_000
const HEALED_MS = 20_000
const SLICE_MS = 20

/** How often things happen in a life, as chances per slice of time. Calm lives have owners that last, wild ones none. */
function temperOf(random: Random) {
  return {
    take: random.pick([0.003, 0.01, 0.03]),
    cut: random.pick([0.005, 0.02]),
    outage: random.pick([0, 0.003]),
    kill: random.pick([0.002, 0.015]),
    /** Chance that a killed node loses its disk, too. */
    wipe: random.pick([0, 0.3]),
    edit: random.pick([0.3, 0.9]),
    /** Chance that an edit is too large for one message. */
    large: random.chance(0.02) ? 0.03 : 0,
  }
}

/** One random life of a workspace in a cluster: `seed` decides everything. Without `isPurged` nobody purges the workspace. */
export async function simulate(
  seed: number,
  options: { ignoresExpectations?: boolean; isPurged?: boolean } = {},
): Promise<Outcome> {
  const random = new Random(seed)
  const time = new VirtualTime()
  const faults = new RandomFaults(random, options.ignoresExpectations ?? false)
  const engine = new MemoryEngine({ clock: time.clock, faults })
  const nodes = NODES.map((name) => new SimulatedNode(name, engine, time, random))
  const temper = temperOf(random)
  const watch = new PurgeWatch(engine, WORKSPACE)
  // Numbers of its own: a life without purges is as it was before there were any.
  const whims = new Random(seed + 1_000_003)
  const purge = options.isPurged === false ? 0 : whims.pick([0, 0.03, 0.15])
  let kills = 0
  for (let passed = 0; passed < FAULTY_MS; passed += SLICE_MS) {
    const node = random.pick(nodes)
    if (random.chance(temper.take)) void node.take()
    if (random.chance(0.1)) void node.follow()
    if (whims.chance(purge)) for (const each of nodes) void each.purge()
    if (random.chance(temper.cut)) faults.cut([random.pick(NODES)], random.upTo(2_500), time)
    if (random.chance(temper.outage)) faults.cut(NODES, random.upTo(9_000), time)
    if (random.chance(temper.kill)) {
      node.kill(random.chance(temper.wipe))
      kills++
    }
    for (const writer of nodes) if (random.chance(temper.edit)) writer.edit(random.chance(temper.large))
    await time.pass(SLICE_MS)
  }
  faults.heal()
  await time.pass(HEALED_MS)
  // An owner that has nothing to write does not find out that it was deposed: in a cluster another key tells it.
  for (const node of nodes) node.release()
  void nodes[0]?.take()
  await time.pass(HEALED_MS)
  // The first try may have found the rest of a purge to do.
  void nodes[0]?.take()
  await time.pass(HEALED_MS)
  const before = nodes[0]?.acknowledged.length
  nodes[0]?.edit()
  await time.pass(HEALED_MS)
  for (const node of nodes) void node.follow()
  await time.pass(HEALED_MS)
  const outcome = check(engine, nodes, watch)
  const isGoingOn = nodes[0]?.acknowledged.length !== before
  const violations = isGoingOn
    ? outcome.violations
    : [...outcome.violations, 'no edit is acknowledged once all faults have ended']
  return { ...outcome, violations, kills, purges: watch.count }
}

/** Looks for edits that are lost, LSNs of two contents, copies that differ, and edits that were purged. */
function check(
  engine: MemoryEngine,
  nodes: readonly SimulatedNode[],
  { generations: purged }: PurgeWatch,
): Omit<Outcome, 'kills' | 'purges'> {
  const violations = nodes.flatMap(({ name, failures }) => failures.map((error) => `${name}: ${error.message}`))
  const contents: string[] = []
  const reader = new HistoryReader(WORKSPACE, START)
  try {
    for (const message of engine.log.read(WORKSPACE, 0, Number.MAX_SAFE_INTEGER)) {
      const { records, facts } = reader.read(message)
      if (facts.kind === 'purge') contents.length = 0
      for (const { update } of records) contents.push(Buffer.from(update).toString())
    }
  } catch (error) {
    violations.push(`the history: ${String(error)}`)
  }
  if (new Set(contents).size !== contents.length) violations.push('an edit is in the history twice')
  let acknowledged = 0
  for (const node of nodes) {
    acknowledged += node.acknowledged.length
    for (const { id, lsn, generation } of node.acknowledged) {
      const found = contents[lsn - 1]
      if (purged.has(generation)) {
        if (contents.includes(id)) violations.push(`${nameOf(id)} was purged, and is there again`)
      } else if (found !== id) violations.push(`${nameOf(id)} was acknowledged as ${lsn}, which is ${nameOf(found)}`)
    }
    const own = node.replica.records.map(({ update }) => Buffer.from(update).toString())
    if (purged.has(node.replica.generation ?? '')) violations.push(`${node.name} has a copy that was purged`)
    // Behind the history's end a node may keep edits that nobody has acknowledged: it publishes them when it is the owner.
    if (own.slice(0, contents.length).join() !== contents.join()) {
      violations.push(`${node.name} has others than the ${contents.length} records of the history`)
    }
  }
  return { acknowledged, epochs: reader.position.epoch, violations }
}

/** The first characters of an edit, which name it. */
function nameOf(edit: string | undefined): string | undefined {
  return edit?.slice(0, 20)
}
