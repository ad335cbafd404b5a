import type { EngineFaults } from '../engine/memory/memory-engine.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { START } from '../history/position.ts'
import { Random } from './random.ts'
import { SimulatedNode, WORKSPACE } from './simulated-node.ts'
import { VirtualTime } from './virtual-time.ts'

export interface Outcome {
  readonly acknowledged: number
  readonly epochs: number
  readonly kills: number
  /** Promises that were not kept; empty when all is well. */
  readonly violations: readonly string[]
}

const NODES = ['a', 'b', 'c']
const FAULTY_MS = 8_000
const HEALED_MS = 20_000
const SLICE_MS = 20

/** One random life of a workspace in a cluster: `seed` decides everything. */
export async function simulate(seed: number, options: { ignoresExpectations?: boolean } = {}): Promise<Outcome> {
  const random = new Random(seed)
  const time = new VirtualTime()
  const faults = new RandomFaults(random, options.ignoresExpectations ?? false)
  const engine = new MemoryEngine({ clock: time.clock, faults })
  const nodes = NODES.map((name) => new SimulatedNode(name, engine, time, random))
  let kills = 0
  for (let passed = 0; passed < FAULTY_MS; passed += SLICE_MS) {
    const node = random.pick(nodes)
    if (random.chance(0.03)) void node.take()
    if (random.chance(0.1)) void node.follow()
    if (random.chance(0.02)) faults.cut(random.pick(NODES), random.upTo(2_500), time)
    if (random.chance(0.015)) {
      node.kill()
      kills++
    }
    for (const writer of nodes) if (random.chance(0.5)) writer.edit()
    await time.pass(SLICE_MS)
  }
  faults.heal()
  await time.pass(HEALED_MS)
  // An owner that has nothing to write does not find out that it was deposed: in a cluster another key tells it.
  for (const node of nodes) node.release()
  void nodes[0]?.take()
  await time.pass(HEALED_MS)
  for (const node of nodes) void node.follow()
  await time.pass(HEALED_MS)
  return { ...check(engine, nodes), kills }
}

/** Looks for edits that are lost, LSNs of two contents, and copies that differ. */
function check(engine: MemoryEngine, nodes: readonly SimulatedNode[]): Omit<Outcome, 'kills'> {
  const violations = nodes.flatMap(({ name, failures }) => failures.map((error) => `${name}: ${error.message}`))
  const contents: string[] = []
  const reader = new HistoryReader(WORKSPACE, START)
  try {
    for (const message of engine.log.read(WORKSPACE, 0, Number.MAX_SAFE_INTEGER)) {
      for (const { update } of reader.read(message).records) contents.push(Buffer.from(update).toString())
    }
  } catch (error) {
    violations.push(`the history: ${String(error)}`)
  }
  if (new Set(contents).size !== contents.length) violations.push('an edit is in the history twice')
  let acknowledged = 0
  for (const node of nodes) {
    acknowledged += node.acknowledged.length
    for (const { id, lsn } of node.acknowledged) {
      if (contents[lsn - 1] !== id) violations.push(`${id} was acknowledged as ${lsn}, which is ${contents[lsn - 1]}`)
    }
    const own = node.replica.records.map(({ update }) => Buffer.from(update).toString())
    // Behind the history's end a node may keep edits that nobody has acknowledged: it publishes them when it is the owner.
    if (own.slice(0, contents.length).join() !== contents.join()) {
      violations.push(`${node.name} has others than the ${contents.length} records of the history`)
    }
  }
  return { acknowledged, epochs: reader.position.epoch, violations }
}

/** Calls that are late, lost or doubled, replicas that lag, and nodes that are cut off. */
class RandomFaults implements EngineFaults {
  readonly ignoresExpectations: boolean
  readonly #random: Random
  readonly #cut = new Set<string>()
  #isHealed = false

  constructor(random: Random, ignoresExpectations: boolean) {
    this.#random = random
    this.ignoresExpectations = ignoresExpectations
  }

  callMs(node: string): number | undefined {
    return this.#wayMs(node)
  }

  answerMs(node: string): number | undefined {
    return this.#wayMs(node)
  }

  isRepeated(): boolean {
    return !this.#isHealed && this.#random.chance(0.05)
  }

  lag(): number {
    return !this.#isHealed && this.#random.chance(0.3) ? this.#random.upTo(3) : 0
  }

  /** Cuts a node off the engine for a time. */
  cut(node: string, ms: number, time: VirtualTime): void {
    this.#cut.add(node)
    time.clock.after(ms, () => this.#cut.delete(node))
  }

  heal(): void {
    this.#isHealed = true
    this.#cut.clear()
  }

  #wayMs(node: string): number | undefined {
    if (this.#isHealed) return 0
    if (this.#cut.has(node) || this.#random.chance(0.03)) return undefined
    return this.#random.chance(0.1) ? this.#random.upTo(1_500) : this.#random.upTo(30)
  }
}
