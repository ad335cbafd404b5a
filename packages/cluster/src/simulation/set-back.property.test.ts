import { expect, it } from 'vitest'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { catchUp } from '../history/catch-up.ts'
import { HistoryError } from '../history/history-error.ts'
import type { Publisher } from '../history/publisher.ts'
import { takeOver } from '../history/takeover.ts'
import { Random } from './random.ts'
import { SimulatedReplica } from './simulated-replica.ts'
import { VirtualTime } from './virtual-time.ts'

const { JOINERY_SEED, JOINERY_SEEDS } = process.env
const COUNT = Number(JOINERY_SEEDS ?? 150)
const SEEDS = JOINERY_SEED === undefined ? Array.from({ length: COUNT }, (_, seed) => seed) : [Number(JOINERY_SEED)]
const W = 'w'
const STEPS = 60

interface Node {
  readonly name: string
  readonly replica: SimulatedReplica
  /** Records that were acknowledged, as this node's copy once had them. */
  kept: string[]
  publisher: Publisher | undefined
}

/** A life in which the engine is set back to random earlier states of itself, or to nothing. */
async function live(seed: number) {
  const random = new Random(seed)
  const time = new VirtualTime()
  const engine = new MemoryEngine({ clock: time.clock })
  const nodes = ['a', 'b', 'c'].map((name): Node => {
    return { name, replica: new SimulatedReplica(name), kept: [], publisher: undefined }
  })
  const acknowledged: string[] = []
  const violations: string[] = []
  const counts = { setBacks: 0, diverged: 0 }
  const placeOf = ({ name, replica }: Node) => {
    return { log: engine.connect(name).log, workspace: W, subject: W, local: replica, clock: time.clock, node: name }
  }
  const settle = async (work: Promise<unknown>): Promise<void> => {
    const settled = work.catch((error: unknown) => {
      if (!(error instanceof HistoryError)) violations.push(String(error))
      else if (error.code === 'diverged') counts.diverged++
    })
    await time.pass(120_000)
    await settled
  }
  const release = async (owner: Node): Promise<void> => {
    const { publisher, replica } = owner
    owner.publisher = undefined
    publisher?.stop()
    // A node keeps what it knows to be acknowledged, also when it is fenced.
    if (publisher !== undefined) await replica.adopt([], publisher.position)
  }
  const take = async (node: Node, step: number): Promise<void> => {
    for (const each of nodes) await release(each)
    node.publisher = (
      await takeOver({ ...placeOf(node), session: `s${step}`, assertReadable: () => undefined })
    ).publisher
  }
  const edit = async ({ publisher, replica }: Node, text: string): Promise<void> => {
    const record = replica.append(text)
    replica.sync()
    await publisher?.publish(record, replica.generation ?? '')
    acknowledged.push(text)
  }
  for (let step = 0; step < STEPS; step++) {
    const node = random.pick(nodes)
    const owner = nodes.find(({ publisher }) => publisher?.fenced.aborted === false)
    const what = random.next()
    if (what < 0.1) {
      const messages = engine.log.read(W, 0, Number.POSITIVE_INFINITY)
      engine.log.setBack(W, random.chance(0.3) ? 0 : (messages[random.upTo(messages.length)]?.sequence ?? 0))
      counts.setBacks++
    } else if (what < 0.3) await settle(take(node, step))
    else if (what < 0.55 && node !== owner) await settle(catchUp(placeOf(node), { isSetBack: isGone(engine, node) }))
    else if (owner !== undefined) await settle(edit(owner, `edit ${step}`))
    for (const { name, replica, kept } of nodes) {
      const texts = textsOf(replica)
      if (kept.some((text, at) => texts[at] !== text))
        violations.push(`step ${step}: ${name} has lost acknowledged edits`)
    }
    for (const each of nodes) {
      const { floor } = each.replica
      if (floor > each.kept.length) each.kept = textsOf(each.replica).slice(0, floor)
    }
  }
  for (const each of nodes) await release(each)
  const there = new Set(nodes.flatMap(({ replica }) => textsOf(replica)))
  for (const text of acknowledged) if (!there.has(text)) violations.push(`${text} is on no node any more`)
  return { violations, acknowledged: acknowledged.length, ...counts }
}

const textsOf = ({ records }: SimulatedReplica): string[] => records.map(({ update }) => Buffer.from(update).toString())

/** As the follower finds it out: the engine has no message, or another one, where the copy's mark is. */
function isGone({ log }: MemoryEngine, { replica }: Node): boolean {
  const { sequence, chain } = replica.mark
  if (sequence === 0) return false
  const [found] = log.read(W, sequence - 1, 1)
  return found?.sequence !== sequence || found.headers['Jy-Chain'] !== chain
}

it('[Q71] whatever the engine loses, no copy loses an edit that was acknowledged, and each of them is on some node', async () => {
  const total = { acknowledged: 0, setBacks: 0, diverged: 0 }
  for (const seed of SEEDS) {
    const { violations, acknowledged, setBacks, diverged } = await live(seed)
    expect(violations, `JOINERY_SEED=${seed}`).toEqual([])
    total.acknowledged += acknowledged
    total.setBacks += setBacks
    total.diverged += diverged
  }
  console.info(`${SEEDS.length} lives with an engine that is set back: ${JSON.stringify(total)}`)
  expect(total.diverged).toBeGreaterThan(0)
  expect(total.acknowledged).toBeGreaterThan(SEEDS.length)
})
