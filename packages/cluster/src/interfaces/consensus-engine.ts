import { randomUUID } from 'node:crypto'
import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import { z } from 'zod'
import type { Engine, PartLeader } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { ClusterError } from '../nodes/cluster-error.ts'
import { fromBytes, toBytes } from '../nodes/json-value.ts'
import { engineNameOf } from '../nodes/names.ts'

const decision = z.object({
  /** Place among the decisions of its group: 1, 2, 3 … */
  number: z.number(),
  id: z.string(),
  node: z.string(),
  value: z.unknown(),
})

/** A value that the whole cluster has agreed on, at its place. */
export type Decision = Readonly<z.infer<typeof decision>>

const decisionsOfGroup = z.array(decision)

/**
 * - `pending`: it was proposed here, and the engine has not answered yet.
 * - `committed`: a quorum has it, at this place, for good.
 * - `unknown`: it is not among the last decisions of its group: it was never committed, or long ago.
 */
export type ProposalStatus =
  | { readonly state: 'pending' }
  | { readonly state: 'committed'; readonly decision: Decision }
  | { readonly state: 'unknown' }

/** Decisions of a group that are kept, and that a status knows. */
export const DECISIONS_KEPT = 100
/** Largest value, bytes of JSON: all that are kept stand in one entry of the engine. */
const VALUE_BYTES_MAX = 4 * 1024
const GROUP_LENGTH_MAX = 256
const WAIT_MS = 100
const ID = /^([A-Za-z0-9_-]+)\.[0-9a-f-]{36}$/

export interface ConsensusOptions {
  readonly engine: Engine
  readonly node: string
  readonly clock?: SteadyClock
  /** True on one machine without an engine: its vote is the only one, and decides. */
  readonly isAlone?: boolean
}

/**
 * Agreement of the cluster on values: each group has a row of decisions, one after the other, and all nodes see the same
 * one. The engine's replicas are the voters. A decision is an entry that is written by compare-and-set, so that two
 * proposals never have one place.
 */
export class ConsensusEngine {
  readonly #engine: Engine
  readonly #node: string
  readonly #clock: SteadyClock
  readonly #isAlone: boolean
  readonly #pending = new Map<string, Promise<Decision>>()
  #isClosed = false

  constructor({ engine, node, clock = systemSteadyClock, isAlone = false }: ConsensusOptions) {
    this.#engine = engine
    this.#node = node
    this.#clock = clock
    this.#isAlone = isAlone
  }

  /**
   * Proposes a JSON value of at most 4 KiB, and returns the proposal's id. {@link commit} tells the outcome. Throws
   * `invalid`.
   */
  propose(group: string, value: unknown): string {
    const json = JSON.stringify(value)
    if (json === undefined || Buffer.byteLength(json) > VALUE_BYTES_MAX) {
      throw new ClusterError('invalid', `a proposal is a JSON value of at most ${VALUE_BYTES_MAX} bytes`)
    }
    const id = `${engineNameOf(checkGroup(group))}.${randomUUID()}`
    const decided = this.#decide(id, JSON.parse(json))
    this.#pending.set(id, decided)
    const forget = (): void => void this.#pending.delete(id)
    decided.then(forget, forget)
    return id
  }

  /**
   * Waits until a quorum has a proposal. Rejects with `unavailable` when this node stops first: the proposal may be
   * committed then, as {@link status} of any node says. Rejects with `unknown_proposal` for one that is neither pending
   * here nor among the last decisions.
   */
  async commit(id: string): Promise<Decision> {
    const decided = await (this.#pending.get(id) ?? this.#find(id))
    if (decided !== undefined) return decided
    throw new ClusterError('unknown_proposal', `the proposal ${id} is not among the last decisions of its group`)
  }

  /** Status of a proposal, of any node's. */
  async status(id: string): Promise<ProposalStatus> {
    const found = await this.#find(id)
    if (found !== undefined) return { state: 'committed', decision: found }
    return { state: this.#pending.has(id) ? 'pending' : 'unknown' }
  }

  /** The last decisions of a group, at most {@link DECISIONS_KEPT}, oldest first. */
  async decisions(group: string): Promise<readonly Decision[]> {
    return (await this.#read(engineNameOf(checkGroup(group)))).decisions
  }

  /**
   * Votes for or against a proposal. In a cluster the engine's replicas vote, and nobody else: rejects with `unsupported`.
   * A machine that is alone agrees with what it has proposed itself; against that, `unsupported` again.
   */
  async vote(id: string, isFor: boolean): Promise<Decision> {
    if (this.#isAlone && isFor) return await this.commit(id)
    const reason = this.#isAlone
      ? 'a machine that is alone has decided with its proposal: make another one'
      : "the engine's replicas vote: make a proposal, and let a condition in it say what must hold"
    throw new ClusterError('unsupported', reason)
  }

  /** Parts of the engine, and the server that leads each of them. */
  leaders(): Promise<readonly PartLeader[]> {
    return this.#engine.leaders.list()
  }

  /** Has a part's leader step down for another one. Rejects with `unsupported` where there is one server only. */
  triggerElection(part: string): Promise<void> {
    return this.#engine.leaders.stepDown(part)
  }

  /** Gives up what is pending. */
  close(): void {
    this.#isClosed = true
  }

  async #decide(id: string, value: unknown): Promise<Decision> {
    const group = groupOf(id)
    let firstNumber: number | undefined
    for (;;) {
      if (this.#isClosed) throw new EngineError('unavailable', `this node stops: whether ${id} is decided is not known`)
      try {
        const { decisions, revision } = await this.#read(group)
        const found = decisions.find((each) => each.id === id)
        if (found !== undefined) return found
        const last = decisions.at(-1)?.number ?? 0
        firstNumber ??= last + 1
        // A write that nobody answered may have been decided, and forgotten since.
        if (last - firstNumber >= DECISIONS_KEPT) throw forgotten(id)
        const own = { number: last + 1, id, node: this.#node, value }
        if ((await this.#write(group, [...decisions, own], revision)) !== 'refused') return own
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== 'unavailable') throw error
        await new Promise<void>((resolve) => void this.#clock.after(WAIT_MS, resolve))
      }
    }
  }

  async #find(id: string): Promise<Decision | undefined> {
    return (await this.#read(groupOf(id))).decisions.find((each) => each.id === id)
  }

  async #read(group: string): Promise<{ decisions: Decision[]; revision: number | undefined }> {
    const entry = await this.#engine.meta.get(keyOf(group))
    if (entry === undefined) return { decisions: [], revision: undefined }
    const decisions = fromBytes(decisionsOfGroup, entry.value)
    if (decisions !== undefined) return { decisions, revision: entry.revision }
    throw new ClusterError('unknown_format', 'a newer version wrote the decisions of this group: upgrade this node')
  }

  #write(group: string, decisions: readonly Decision[], revision: number | undefined): Promise<number | 'refused'> {
    const { meta } = this.#engine
    const value = toBytes(decisions.slice(-DECISIONS_KEPT))
    return revision === undefined ? meta.create(keyOf(group), value) : meta.update(keyOf(group), value, revision)
  }
}

function checkGroup(group: string): string {
  if (group.length > 0 && group.length <= GROUP_LENGTH_MAX) return group
  throw new ClusterError('invalid', `the name of a group has 1 to ${GROUP_LENGTH_MAX} characters, not ${group.length}`)
}

function groupOf(id: string): string {
  const [, group] = ID.exec(id) ?? []
  if (group !== undefined) return group
  throw new ClusterError('invalid', `${JSON.stringify(id)} is no id of a proposal`)
}

function keyOf(group: string): string {
  return `decision.${group}`
}

function forgotten(id: string): ClusterError {
  const message = `${DECISIONS_KEPT} others were decided before the engine answered: whether ${id} was is not known`
  return new ClusterError('unknown_proposal', message)
}
