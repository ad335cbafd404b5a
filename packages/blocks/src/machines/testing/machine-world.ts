import { expect } from 'vitest'
import * as Y from 'yjs'
import {
  type Block,
  BlocksError,
  claimListsWith,
  createBlock,
  getBlock,
  type Machine,
  type MachineClaim,
  pruneBeaten,
  type Run,
  RunSupersededError,
  setMachines,
} from '../../index.ts'
import { isAllowed, textOf, winnerOf } from './random-machine.ts'

/** One step in the model: the claim it made, or the name it removed, or the text it typed. */
interface Fact {
  readonly claim?: MachineClaim
  readonly removed?: string
  readonly token?: string
}
interface Replica {
  readonly name: string
  doc: Y.Doc
  isAlive: boolean
  readonly facts: Set<Fact>
  readonly shown: Map<string, MachineClaim>
}
/** Numbers that choose the action of a step. Each is taken modulo the number of choices. */
export interface Step {
  readonly kind: number
  readonly a: number
  readonly b: number
  readonly c: number
}

const NAMES = ['one', 'two/three', 'four'] as const
const JUNK: readonly unknown[] = [null, 7, 'text', [], {}, { machine: 'random@1' }, { machine: 'other@1', run: {} }]

/** Replicas of one block with the statuses of one machine, partitions between them, and a clock that only steps move. */
export class MachineWorld {
  readonly #machine: Machine
  readonly #lists: ReturnType<typeof claimListsWith>
  readonly replicas: Replica[] = []
  readonly #runs: { name: string; run: Run }[] = []
  #tick = 0

  constructor(machine: Machine, replicas: number) {
    this.#machine = machine
    this.#lists = claimListsWith([machine])
    for (let index = 0; index < replicas; index++) {
      const name = `replica-${index}`
      this.replicas.push({ name, doc: this.#open(), isAlive: true, facts: new Set(), shown: new Map() })
    }
  }

  step({ kind, a, b, c }: Step): void {
    const alive = this.replicas.filter(({ isAlive }) => isAlive)
    const replica = pick(alive, a)
    this.#tick += 1
    const others = alive.filter((other) => other !== replica)
    const other = others.length === 0 ? undefined : pick(others, b)
    const actions: (() => void)[] = [
      () => this.#start(replica, b, c),
      () => this.#report(replica, b, c),
      () => this.#report(replica, b, c),
      () => this.#report(replica, b, c),
      () => this.#forge(replica, b, c),
      () => this.#remove(replica, b),
      () => this.#type(replica),
      () => void pruneBeaten(replica.doc, undefined, this.#lists),
      () => other !== undefined && this.sync(other, replica),
      () => other !== undefined && this.sync(other, replica),
      () => {
        // A writer that dies has been heard by one, at most.
        if (others.length < 2) return
        if (c % 2 === 0 && other !== undefined) this.sync(replica, other)
        replica.isAlive = false
      },
      () => this.#reload(replica),
    ]
    pick(actions, kind)()
    if (replica.isAlive) this.#check(replica)
  }

  sync(from: Replica, to: Replica): void {
    Y.applyUpdate(to.doc, Y.encodeStateAsUpdate(from.doc, Y.encodeStateVector(to.doc)))
    for (const fact of from.facts) to.facts.add(fact)
  }

  /** M1: after everybody has heard of everything, all show the same JSON, also after a reload. */
  agree(): void {
    const alive = this.replicas.filter(({ isAlive }) => isAlive)
    for (let round = 0; round < 2; round++)
      for (const from of alive) for (const to of alive) if (from !== to) this.sync(from, to)
    for (const replica of alive) this.#check(replica)
    const [first, ...others] = alive
    if (first === undefined) return
    const json = ({ doc }: Replica) => textOf(blockOf(doc).toJSONWith(this.#lists))
    for (const other of others) expect(json(other), 'M1').toBe(json(first))
    const before = json(first)
    this.#reload(first)
    expect(json(first), 'M1: after save and reload').toBe(before)
    pruneBeaten(first.doc, undefined, this.#lists)
    expect(json(first), 'B19').toBe(before)
  }

  #open(): Y.Doc {
    const doc = new Y.Doc()
    setMachines(doc, this.#lists[2])
    createBlock(doc, 'b1', { type: 'text' })
    return doc
  }

  #start(replica: Replica, b: number, c: number): void {
    const name = pick(NAMES, b)
    const source = pick(Object.keys(this.#machine.table.sources), c)
    const status = pick(this.#machine.table.starts, c >> 2)
    const claim = { machine: 'random@1', name, status, source, actor: replica.name, at: this.#tick }
    this.#write(replica, { ...claim, run: { no: 1, id: 'x', source } }, (block) => {
      const run = block.statuses(this.#machine).startRun(name, { source, actor: replica.name, status, at: this.#tick })
      this.#runs.push({ name, run })
      return { ...claim, run }
    })
  }

  #report(replica: Replica, b: number, c: number): void {
    if (this.#runs.length === 0) return
    const { name, run } = pick(this.#runs, b)
    const { table } = this.#machine
    const [status, source] = [pick(table.ranks, c), pick(Object.keys(table.sources), c >> 3)]
    const told = {
      source,
      actor: replica.name,
      at: this.#tick >> 3,
      progress: this.#tick / 4,
      ...(c % 5 === 0 && { stalled: { since: 1, why: 'slow' } }),
      ...(c % 3 === 0 && { attempt: 1 + (c % 7), retry_at: c }),
      ...(c % 2 === 0 && { detail: { c }, task: `t-${c}` }),
    }
    const claim: MachineClaim = { machine: 'random@1', name, run, status, ...told }
    this.#write(replica, claim, (block) =>
      block.statuses(this.#machine).report(name, run, status, told).recorded ? claim : undefined,
    )
  }

  /** Writes by a writer of honest code. It is refused if and only if the table does not let its source say that. */
  #write(replica: Replica, claim: MachineClaim, act: (block: Block) => MachineClaim | undefined): void {
    const block = blockOf(replica.doc)
    const { text } = block
    try {
      const made = act(block)
      expect(isAllowed(this.#machine, claim), 'only: a reserved status was written').toBe(true)
      if (made !== undefined) replica.facts.add({ claim: made })
    } catch (error) {
      if (error instanceof RunSupersededError) return
      const isRefused = error instanceof BlocksError && ['source', 'stalled'].includes(String(error.field))
      if (!isRefused || isAllowed(this.#machine, claim)) throw error
    }
    expect(block.text, 'M6').toBe(text)
  }

  /** A client without these rules pushes a claim that its source may not make, or junk. Readers must not mind. */
  #forge(replica: Replica, b: number, c: number): void {
    const { table } = this.#machine
    const name = pick(NAMES, b)
    const run = this.#runs.length === 0 ? { no: 1, id: 'f', source: 'user_action' } : pick(this.#runs, c).run
    const [status, source] = [pick(table.ranks, c), pick([...Object.keys(table.sources), 'root'], b)]
    const claim = { machine: 'random@1', name, run: { ...run }, status, source, actor: 'mallory', at: this.#tick }
    const isHarmless = !isAllowed(this.#machine, claim as MachineClaim) || !Object.hasOwn(table.sources, run.source)
    const forms: unknown[] = [
      isHarmless ? claim : pick(JUNK, c),
      { ...claim, run: undefined, timestamp: 5 },
      new Y.Map(Object.entries(claim)),
      pick(JUNK, c),
    ]
    listOf(replica.doc)?.push([pick(forms, c >> 2)])
  }

  #remove(replica: Replica, b: number): void {
    const name = pick(NAMES, b)
    if (blockOf(replica.doc).statuses(this.#machine).remove(name)) replica.facts.add({ removed: name })
  }

  #type(replica: Replica): void {
    const token = `<${this.#tick}>`
    const block = blockOf(replica.doc)
    const before = block.statuses(this.#machine).entries()
    block.replaceContent(block.text + token)
    expect(block.statuses(this.#machine).entries(), 'M6').toBe(before)
    replica.facts.add({ token })
  }

  #reload(replica: Replica): void {
    const saved = Y.encodeStateAsUpdate(replica.doc)
    replica.doc.destroy()
    replica.doc = this.#open()
    Y.applyUpdate(replica.doc, saved)
  }

  #check({ doc, facts, shown, name: replica }: Replica): void {
    const block = blockOf(doc)
    const statuses = block.statuses(this.#machine)
    const standing = (listOf(doc)?.toArray() ?? []).flatMap((raw) => {
      const parsed = this.#machine.rules.parse(raw)
      return 'claim' in parsed ? [parsed.claim as MachineClaim] : []
    })
    for (const entry of statuses.entries()) expect(isAllowed(this.#machine, entry), 'only').toBe(true)
    for (const name of NAMES) {
      const live = standing.filter((claim) => claim.name === name)
      const entry = statuses.get(name)
      expect(textOf(entry ?? null), `M2: ${name} on ${replica}`).toBe(textOf(winnerOf(this.#machine, live) ?? null))
      const made = [...facts].flatMap(({ claim }) => (claim?.name === name ? [claim] : []))
      const isRemoved = [...facts].some(({ removed }) => removed === name)
      if (!isRemoved) {
        const greatest = textOf(winnerOf(this.#machine, made) ?? null)
        expect(textOf(entry ?? null), `M2, M4: ${name} of all known on ${replica}`).toBe(greatest)
        const before = shown.get(name)
        if (before !== undefined && entry !== undefined)
          expect(textOf(winnerOf(this.#machine, [before, entry])), `M3: ${name}`).toBe(textOf(entry))
        expect(before === undefined || entry !== undefined, `M3, M5: ${name} vanished`).toBe(true)
      }
      // One that won may stand beside late reports only.
      const made1 = new Set(made.map(textOf))
      expect(
        live.every((claim) => made1.has(textOf(claim))),
        'M7: a claim stands that nobody made',
      ).toBe(true)
      expect(new Set(live.map(textOf)).size, 'M7: a claim stands twice').toBe(live.length)
      if (entry === undefined) shown.delete(name)
      else shown.set(name, entry as MachineClaim)
    }
    for (const { token } of facts) if (token !== undefined) expect(block.text, 'M5').toContain(token)
  }
}

function blockOf(doc: Y.Doc): Block {
  const block = getBlock(doc, 'b1')
  if (block === undefined) throw new Error('the block is gone')
  return block
}

function listOf(doc: Y.Doc): Y.Array<unknown> | undefined {
  const list = blockOf(doc).map.get('statuses')
  return list instanceof Y.Array ? list : undefined
}

function pick<T>(items: readonly T[], n: number): T {
  const item = items[n % items.length]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}
