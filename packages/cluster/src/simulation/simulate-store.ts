import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { isDeletion } from '../history/message.ts'
import { positionOf, START } from '../history/position.ts'
import { engineNameOf } from '../nodes/names.ts'
import { PurgeWatch } from './purge-watch.ts'
import { Random } from './random.ts'
import { RandomFaults } from './random-faults.ts'
import { type Clients, JOURNAL, StoreNode, WORKSPACE } from './store-node.ts'
import { VirtualTime } from './virtual-time.ts'

export interface StoreOutcome {
  readonly acknowledged: number
  readonly kills: number
  readonly owners: number
  readonly purges: number
  /** Promises that were not kept; empty when all is well. */
  readonly violations: readonly string[]
}

const NAMES = ['a', 'b', 'c']
const FAULTY_MS = 20_000
const SLICE_MS = 100
/** Time in which a cluster without faults has an owner again, and all copies are up to it. */
const HEALED_MS = 25_000

/** One random life of a cluster of real stores in virtual time: `seed` decides everything. Without `isPurged` nobody purges it. */
export async function simulateStore(
  seed: number,
  options: { ignoresExpectations?: boolean; isPurged?: boolean } = {},
): Promise<StoreOutcome> {
  const random = new Random(seed)
  const time = new VirtualTime()
  const faults = new RandomFaults(random, options.ignoresExpectations ?? false)
  const engine = new MemoryEngine({ clock: time.clock, faults })
  const clients: Clients = { waiting: new Set(), edits: 0, life: 0, lives: new Map() }
  const purged = new Set<string>()
  for (const log of [WORKSPACE, JOURNAL]) {
    const watch = new PurgeWatch(engine, engineNameOf(log), () => {
      for (const generation of watch.generations) purged.add(generation)
      if (log !== WORKSPACE) return
      // Nobody brings edits of before again: their clients hear of another generation.
      clients.waiting.clear()
      clients.life++
    })
  }
  // Numbers of its own: a life without purges is as it was before there were any.
  const whims = new Random(seed + 1_000_003)
  const purge = options.isPurged === false ? 0 : whims.pick([0, 0.1, 0.3])
  const nodes = NAMES.map((name) => new StoreNode({ name, engine, faults, time, random, clients }))
  const temper = {
    cut: random.pick([0.01, 0.04]),
    outage: random.pick([0, 0.01]),
    kill: random.pick([0.005, 0.03]),
    wipe: random.pick([0, 0.3]),
    seize: random.pick([0, 0.03]),
    release: random.pick([0.005, 0.03]),
  }
  let kills = 0
  for (let passed = 0; passed < FAULTY_MS; passed += SLICE_MS) {
    const node = random.pick(nodes)
    void node.start()
    if (random.chance(0.2)) void node.take(random.chance(temper.seize))
    if (random.chance(temper.release)) void node.release()
    if (whims.chance(purge)) for (const each of nodes) void each.purge()
    if (random.chance(temper.cut)) faults.cut([random.pick(NAMES)], random.upTo(5_000), time)
    if (random.chance(temper.outage)) faults.cut(NAMES, random.upTo(9_000), time)
    if (random.chance(temper.kill)) {
      node.kill(random.chance(temper.wipe))
      kills++
    }
    for (const writer of nodes) if (random.chance(0.5)) writer.edit()
    await time.pass(SLICE_MS)
  }
  faults.heal()
  await rest(nodes, time)
  const late = await lateCopies(engine, nodes)
  const isGoingOn = await goOn(nodes, time)
  const outcome = await check(engine, nodes, purged, clients)
  for (const node of nodes) node.kill()
  const violations = [...late, ...outcome.violations]
  if (!isGoingOn) violations.push('no edit is acknowledged once all faults have ended')
  return { ...outcome, violations, kills, purges: clients.life }
}

/** Has every process run, and nobody own the workspace. */
async function rest(nodes: readonly StoreNode[], time: VirtualTime): Promise<void> {
  for (let passed = 0; passed < HEALED_MS; passed += 1_000) {
    for (const node of nodes) void node.start()
    await time.pass(1_000)
  }
  for (const node of nodes) void node.release()
  await time.pass(HEALED_MS)
}

/** The copies that are not up to the end of their history, although nothing fails and nobody writes. */
async function lateCopies(engine: MemoryEngine, nodes: readonly StoreNode[]): Promise<string[]> {
  const late: string[] = []
  for (const log of [WORKSPACE, JOURNAL]) {
    const last = engine.log.last(engineNameOf(log))
    const end = last && positionOf(log, last)
    // A log that nobody has made keeps no mark, and a deleted one is not open.
    if (end?.generation === undefined || isDeletion(last?.headers['Jy-Kind'])) continue
    for (const { name, node } of nodes) {
      const mark = await node?.store.withCopy(log, (copy) => copy.readMark()).catch(() => undefined)
      if ((mark?.sequence ?? 0) < end.sequence)
        late.push(`${name} has ${log} up to message ${mark?.sequence} of ${end.sequence}, for good`)
    }
  }
  return late
}

/** Has one process own the workspace. Resolves with whether an edit is acknowledged then. */
async function goOn(nodes: readonly StoreNode[], time: VirtualTime): Promise<boolean> {
  const count = (): number => nodes.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  const before = count()
  for (let passed = 0; passed < HEALED_MS && count() === before; passed += 1_000) {
    void nodes[0]?.take()
    await time.pass(1_000)
    nodes[0]?.edit()
  }
  await time.pass(HEALED_MS)
  return count() > before
}

/** Looks for edits that are lost or there twice, or were purged, journals ahead of their workspace, and copies that differ. */
async function check(
  engine: MemoryEngine,
  nodes: readonly StoreNode[],
  purged: ReadonlySet<string>,
  { life, lives }: Clients,
): Promise<Omit<StoreOutcome, 'kills' | 'purges'>> {
  const violations: string[] = []
  const histories = new Map([WORKSPACE, JOURNAL].map((log) => [log as string, readTexts(engine, log, violations)]))
  const edits = new Set(histories.get(WORKSPACE)?.texts)
  for (const text of histories.get(JOURNAL)?.texts ?? []) {
    if (!edits.has(text.replace('beside ', ''))) violations.push(`the journal has ${text}, and the workspace has not`)
  }
  let acknowledged = 0
  for (const node of nodes) {
    for (const { log, text, lsn, generation } of node.acknowledged) {
      acknowledged++
      if (purged.has(generation)) continue
      const found = histories.get(log)?.texts[lsn - 1]
      if (found !== text) violations.push(`${text} was acknowledged as record ${lsn} of ${log}, which is ${found}`)
    }
    for (const [log, { texts }] of histories) {
      const own = await textsOn(node, log).catch((error: unknown) => [String(error)])
      const back = own.filter((text) => (lives.get(text.replace('beside ', '')) ?? life) < life)
      if (back.length > 0) violations.push(`${node.name} has ${back.join(', ')} in ${log}, which was purged`)
      if (own.slice(0, texts.length).join() !== texts.join()) violations.push(`${node.name} has others in ${log}`)
    }
    for (const [log, reason] of node.node?.follower.problems ?? []) violations.push(`${node.name}, ${log}: ${reason}`)
  }
  return { acknowledged, owners: histories.get(WORKSPACE)?.epochs ?? 0, violations }
}

function readTexts(engine: MemoryEngine, log: string, violations: string[]): { texts: string[]; epochs: number } {
  const texts: string[] = []
  const reader = new HistoryReader(log, START)
  try {
    for (const message of engine.log.read(engineNameOf(log), 0, Number.MAX_SAFE_INTEGER)) {
      const { records, facts } = reader.read(message)
      if (facts.kind === 'purge') texts.length = 0
      for (const { update } of records) texts.push(Buffer.from(update).toString())
    }
  } catch (error) {
    violations.push(`the history of ${log}: ${String(error)}`)
  }
  if (new Set(texts).size !== texts.length) violations.push(`an edit is in ${log} twice`)
  return { texts, epochs: reader.position.epoch }
}

async function textsOn(node: StoreNode, log: string): Promise<string[]> {
  const owned = node.node?.store.owned.get(log)
  const texts: string[] = []
  const read = async (records: AsyncIterable<{ readonly update: Uint8Array }>): Promise<void> => {
    for await (const { update } of records) texts.push(Buffer.from(update).toString())
  }
  if (owned !== undefined) await read(owned.read())
  else await node.node?.store.withCopy(log, (copy) => read(copy.read()))
  return texts
}
