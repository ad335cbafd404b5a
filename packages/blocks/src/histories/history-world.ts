import * as Y from 'yjs'
import type { Block } from '../block.ts'
import { createBlock, deleteBlock, getBlock, pruneBeaten, RunSupersededError, undoScope } from '../index.ts'
import type { IndexingEntry, IndexingRun, IndexingStatus } from '../indexing-rules.ts'
import type { Source } from '../sources.ts'
import { expectedWinner, isExpectedToStand } from './expected-winner.ts'

/** Record of one step in the model: the claims it made and retired, the index it removed, the text it typed. */
interface Fact extends Deed {
  /** The writer's client id and clock after the step. A replica behind that clock has the fact, but waits for edits it builds on. */
  readonly client: number
  readonly clock: number
  /** The facts that its writer had seen. */
  readonly builtOn: ReadonlySet<Fact>
}
interface Deed {
  readonly claims: readonly IndexingEntry[]
  readonly retired: readonly IndexingEntry[]
  readonly removed?: string
  readonly token?: string
}

/** One copy of the document, and the facts that have reached it. */
export interface Replica {
  readonly name: string
  doc: Y.Doc
  undo: Y.UndoManager
  isAlive: boolean
  readonly facts: Set<Fact>
  /** The claims shown last, by index, while no fact was missing. */
  readonly shown: Map<string, IndexingEntry>
}

/** Id of the block that the model follows claim by claim. The churn block is deleted, created again and undone. */
export const MODEL_BLOCK = 'model'
export const CHURN_BLOCK = 'churn'
const UNDOABLE = 'undoable'
export const INDEXES = ['alpha', 'beta', 'gamma'] as const
const STATUSES: readonly IndexingStatus[] = ['notStarted', 'processing', 'done', 'error']
const SOURCES: readonly Source[] = ['user_action', 'workflow_execution', 'instantiation', 'polling_sync']
const JUNK: readonly unknown[] = [
  null,
  7,
  'text',
  [],
  {},
  { index_name: 'alpha' },
  { index_name: 'alpha', status: 'lost' },
  { index_name: 'beta', status: 'done', run: { no: -1 } },
]

const TICKS_PER_REPORT_TIME = 8

/** Numbers that choose the action of a step. Each is taken modulo the number of choices. */
export interface Step {
  readonly kind: number
  readonly a: number
  readonly b: number
  readonly c: number
}

/** The replicas, the updates under way between them, and a clock that only steps move. */
export class HistoryWorld {
  readonly replicas: Replica[] = []
  readonly #mail: { update: Uint8Array; fact: Fact }[] = []
  readonly #runs: { index: string; run: IndexingRun }[] = []
  #tick = 0

  constructor(replicas: number) {
    for (let i = 0; i < replicas; i++) this.join()
  }

  /** Carries out one step. Returns the replica to check; undefined when no replica could do the step. */
  step(step: Step): Replica | undefined {
    const alive = this.replicas.filter((replica) => replica.isAlive)
    const replica = alive[step.a % alive.length]
    if (replica === undefined) return undefined
    this.#tick += 1
    ACTIONS[step.kind % ACTIONS.length]?.(this, replica, step)
    return replica
  }

  join(): Replica {
    const name = `replica-${this.replicas.length}`
    const replica: Replica = { name, ...openDoc(), isAlive: true, facts: new Set(), shown: new Map() }
    this.replicas.push(replica)
    // Each replica creates the block by itself, so creation is concurrent every time.
    createBlock(replica.doc, MODEL_BLOCK, { type: 'text' })
    return replica
  }

  startRun(replica: Replica, { b, c }: Step): void {
    const index = pick(INDEXES, b)
    const source = pick(SOURCES, c)
    const author = { source, actor: replica.name, at: this.#tick }
    const standing = expectedWinner(this.candidates(replica, index))
    const isRefused = standing !== undefined && isExpectedToStand(standing, source)
    this.#write(replica, index, (block) => {
      try {
        const run = block.indexingList.startRun(index, author)
        if (isRefused && isComplete(replica))
          throw new Error(`a run of ${source} started over ${JSON.stringify(standing)}`)
        this.#runs.push({ index, run })
        return { index_name: index, run, status: 'processing', ...author }
      } catch (error) {
        if (error instanceof RunSupersededError && (isRefused || !isComplete(replica))) return undefined
        throw error
      }
    })
  }

  report(replica: Replica, { b, c }: Step): void {
    if (this.#runs.length === 0) return
    const { index, run } = pick(this.#runs, b)
    const status = pick(STATUSES, c)
    // Several reports share one time, so that their counts decide. No two have the same counts.
    const told = {
      source: pick(SOURCES, c >> 2),
      actor: replica.name,
      at: Math.floor(this.#tick / TICKS_PER_REPORT_TIME),
      progress: this.#tick / 4,
      ...(c % 2 === 0 && { total: this.#tick }),
      ...(c % 3 === 0 && { chunks: c }),
    }
    this.#write(replica, index, (block) => {
      const result = block.indexingList.report(index, run, status, told)
      return result.recorded ? { index_name: index, run, status, ...told } : undefined
    })
  }

  remove(replica: Replica, { b }: Step): void {
    const index = pick(INDEXES, b)
    const retired = this.known(replica, index)
    this.#record(replica, (block) => {
      block.indexingList.remove(index)
      return { claims: [], retired, removed: index }
    })
  }

  /** A client that knows nothing of claims. */
  stockPush(replica: Replica, { b, c }: Step): void {
    const status = pick(STATUSES, c)
    const index = pick(INDEXES, b)
    const isJunk = c % 3 === 0
    const raw = isJunk ? pick(JUNK, b) : { index_name: index, status, timestamp: this.#tick }
    const run = { no: 0, id: '', source: 'polling_sync' } as const
    const claim: IndexingEntry = { index_name: index, run, status, source: 'polling_sync', actor: '', at: this.#tick }
    this.#record(replica, (block) => {
      const list = block.map.get('indexingList')
      if (!(list instanceof Y.Array)) throw new Error('the list is gone')
      list.push([raw])
      return { claims: isJunk ? [] : [claim], retired: [] }
    })
  }

  type(replica: Replica, { b }: Step): void {
    const token = `<${this.#tick}>`
    this.#record(replica, (block) => {
      const before = block.indexingList.entries()
      block.content.insert(b % (block.content.length + 1), '')
      block.replaceContent(b % 2 === 0 ? block.text + token : token + block.text)
      if (block.indexingList.entries() !== before) throw new Error('M6: typing touched the statuses')
      return { claims: [], retired: [], token }
    })
  }

  prune(replica: Replica): void {
    this.#record(replica, () => {
      const retired = INDEXES.flatMap((index) => {
        const candidates = this.candidates(replica, index)
        return candidates.filter((claim) => claim !== expectedWinner(candidates))
      })
      pruneBeaten(replica.doc)
      return { claims: [], retired }
    })
  }

  /** Creates, edits, deletes, undoes and redoes the churn block. Replicas must only agree on it. */
  churn(replica: Replica, { b, c }: Step): void {
    this.#record(replica, () => {
      const author = { source: pick(SOURCES, c), actor: replica.name, at: this.#tick }
      const { doc, undo } = replica
      const block = getBlock(doc, CHURN_BLOCK)
      const edits: (() => unknown)[] = [
        () => createBlock(doc, CHURN_BLOCK, { type: `type ${c % 3}` }),
        () => deleteBlock(doc, CHURN_BLOCK),
        () => block?.content.insert(0, String(c)),
        () => block?.fields.set('title', c, author),
        () => doc.getMap('blocks').set(CHURN_BLOCK, new Y.Map()),
      ]
      if (b % 8 === 5) undo.undo()
      else if (b % 8 === 6) undo.redo()
      else if (b % 8 === 7) {
        if (block !== undefined && block.indexingList.get('alpha') === undefined)
          block.indexingList.startRun('alpha', author)
      } else doc.transact(() => void edits[b % 8]?.(), UNDOABLE)
      return { claims: [], retired: [] }
    })
  }

  /** Brings everything of one replica to another, one way. */
  sync(from: Replica, to: Replica): void {
    Y.applyUpdate(to.doc, Y.encodeStateAsUpdate(from.doc, Y.encodeStateVector(to.doc)))
    for (const fact of from.facts) to.facts.add(fact)
  }

  /** Delivers one update out of order, and leaves it under way, so that it may be delivered again. */
  deliver(replica: Replica, { b }: Step): void {
    if (this.#mail.length === 0) return
    const letter = pick(this.#mail, b)
    Y.applyUpdate(replica.doc, letter.update)
    replica.facts.add(letter.fact)
  }

  vanish(replica: Replica, { b }: Step): void {
    const others = this.replicas.filter((other) => other.isAlive && other !== replica)
    if (others.length < 2) return
    this.sync(replica, pick(others, b))
    replica.isAlive = false
  }

  reload(replica: Replica): void {
    const saved = Y.encodeStateAsUpdate(replica.doc)
    replica.doc.destroy()
    Object.assign(replica, openDoc())
    Y.applyUpdate(replica.doc, saved)
  }

  /** All claims of one index that have arrived at a replica with everything they build on, retired or not. */
  known(replica: Replica, index: string): IndexingEntry[] {
    const arrived = [...replica.facts].filter(({ client, clock }) => Y.getState(replica.doc.store, client) >= clock)
    return arrived.flatMap((fact) => fact.claims).filter((claim) => claim.index_name === index)
  }

  /** The claims that should stand: known, and not retired by any known fact. */
  candidates(replica: Replica, index: string): IndexingEntry[] {
    const retired = new Set([...replica.facts].flatMap((fact) => fact.retired))
    return this.known(replica, index).filter((claim) => !retired.has(claim))
  }

  #write(replica: Replica, index: string, act: (block: Block) => IndexingEntry | undefined): void {
    this.#record(replica, (block) => {
      const standing = this.candidates(replica, index)
      const text = block.text
      const claim = act(block)
      if (block.text !== text) throw new Error('M6: a status touched the text')
      if (claim === undefined) return { claims: [], retired: [] }
      const winner = expectedWinner([...standing, claim])
      return { claims: [claim], retired: standing.filter((other) => other !== winner) }
    })
  }

  #record(replica: Replica, act: (block: Block) => Deed): void {
    const updates: Uint8Array[] = []
    const collect = (update: Uint8Array): void => void updates.push(update)
    const block = getBlock(replica.doc, MODEL_BLOCK)
    if (block === undefined) throw new Error('the model block is gone')
    replica.doc.on('update', collect)
    const { doc } = replica
    const client = doc.clientID
    const builtOn = new Set(replica.facts)
    const deed = act(block)
    const fact: Fact = { ...deed, client, clock: Y.getState(doc.store, client), builtOn }
    replica.doc.off('update', collect)
    replica.facts.add(fact)
    // A late joiner creates the block before this. Any sync of states brings that creation.
    if (updates.length > 0) this.#mail.push({ update: Y.mergeUpdates(updates), fact })
  }
}

/**
 * False while the replica lacks an edit that the writer of one of its facts had seen. The laws promise nothing for such a replica.
 * Yjs waits only for the neighbours of an insertion: a deletion may arrive before the greater claim that was its reason.
 */
export function isComplete({ doc, facts }: Replica): boolean {
  return doc.store.pendingStructs === null && [...facts].every(({ builtOn }) => builtOn.isSubsetOf(facts))
}

function openDoc(): Pick<Replica, 'doc' | 'undo'> {
  const doc = new Y.Doc()
  const { scope, options } = undoScope(doc, [UNDOABLE])
  return {
    doc,
    undo: new Y.UndoManager(scope, { ...options, captureTimeout: 0 }),
  }
}

function pick<T>(items: readonly T[], n: number): T {
  const item = items[n % items.length]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

type Action = (world: HistoryWorld, replica: Replica, step: Step) => void
/** The possible actions. Common ones stand several times. */
const ACTIONS: readonly Action[] = [
  (world, replica, step) => world.startRun(replica, step),
  (world, replica, step) => world.startRun(replica, step),
  (world, replica, step) => world.report(replica, step),
  (world, replica, step) => world.report(replica, step),
  (world, replica, step) => world.report(replica, step),
  (world, replica, step) => world.remove(replica, step),
  (world, replica, step) => world.stockPush(replica, step),
  (world, replica, step) => world.type(replica, step),
  (world, replica) => world.prune(replica),
  (world, replica, step) => world.churn(replica, step),
  (world, replica, step) => world.churn(replica, step),
  (world, replica, step) =>
    world.sync(
      pick(
        world.replicas.filter((other) => other.isAlive),
        step.b,
      ),
      replica,
    ),
  (world, replica, step) =>
    world.sync(
      pick(
        world.replicas.filter((other) => other.isAlive),
        step.b,
      ),
      replica,
    ),
  (world, replica, step) => world.deliver(replica, step),
  (world, replica, step) => world.deliver(replica, step),
  (world, replica, step) => world.vanish(replica, step),
  (world, replica) => world.reload(replica),
  (world) => void (world.replicas.length < 6 && world.join()),
]
