import { randomUUID } from 'node:crypto'
import { isSystemLog, LogError, type SteadyClock, workspaceOfSystemLog } from '@joinery/log'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { HistoryError } from '../history/history-error.ts'
import { positionOf } from '../history/position.ts'
import { type ClusterIdentity, enterIdentity, identityOf } from '../nodes/cluster-identity.ts'
import type { ClusterOwnership } from '../nodes/cluster-ownership.ts'
import { fromBytes, toBytes } from '../nodes/json-value.ts'
import { engineNameOf } from '../nodes/names.ts'
import type { Nodes } from '../nodes/nodes.ts'
import { ReplicatedLog } from './replicated-log.ts'
import type { ReplicatedStore, ReplicationLogger } from './replicated-store.ts'

const KEY = 'rebuild'
/** Time between two looks at whether the engine still has the cluster's name, ms. */
const LOOK_MS = 2_000

const entry = z.object({
  /** Another one for each loss. */
  id: z.string(),
  /** Nodes whose copies are needed. */
  nodes: z.array(z.string()),
  /** Nodes that have published all that the engine lacked. */
  done: z.array(z.string()),
})
type RebuildEntry = Readonly<z.infer<typeof entry>>

/**
 * Whether the engine has what the nodes gave it. `waits`: it lost all of it, and logs that it has nothing of are opened once these nodes
 * are there. `rebuilds`: they are there, and publish their copies. `foreign`: it has another cluster's data.
 */
export type RebuildState =
  | { readonly state: 'whole' }
  | { readonly state: 'waits'; readonly nodes: readonly string[]; readonly advice: string }
  | { readonly state: 'rebuilds' }
  | { readonly state: 'foreign'; readonly cluster: string }

export interface RebuildOptions {
  readonly engine: Engine
  readonly identity: ClusterIdentity
  readonly nodes: Nodes
  readonly ownership: ClusterOwnership
  readonly store: ReplicatedStore
  readonly clock: SteadyClock
  readonly logger?: ReplicationLogger | undefined
}

/** Reads what stands about a rebuild; undefined if none is under way. Rejects with the engine's errors. */
export async function readRebuild({ meta }: Pick<Engine, 'meta'>): Promise<RebuildEntry | undefined> {
  const found = await meta.get(KEY)
  return found && fromBytes(entry, found.value)
}

/** Has all histories made from the copies of these nodes. Where that is asked for already, their lists are put together. */
export async function askForRebuild({ meta }: Pick<Engine, 'meta'>, nodes: readonly string[]): Promise<void> {
  await change(meta, (before) => {
    const { id = randomUUID(), nodes: known = [] } = before ?? {}
    return { id, nodes: [...new Set([...known, ...nodes])].sort(), done: [] }
  })
}

/** Waits for a node no longer. Edits that it alone has stay on its disk, and are not served. */
export async function rebuildWithout({ meta }: Pick<Engine, 'meta'>, node: string): Promise<void> {
  await change(meta, (before) => before && { ...before, nodes: before.nodes.filter((each) => each !== node) })
}

async function change(
  meta: Engine['meta'],
  next: (before: RebuildEntry | undefined) => RebuildEntry | undefined,
): Promise<void> {
  for (;;) {
    const found = await meta.get(KEY)
    const before = found && fromBytes(entry, found.value)
    const after = next(before)
    if (after === undefined) return
    const isOver = after.nodes.every((node) => after.done.includes(node))
    if (found !== undefined && isOver) {
      if ((await meta.delete(KEY, found.revision)) !== 'refused') return
      continue
    }
    const bytes = toBytes(after)
    const written = found === undefined ? await meta.create(KEY, bytes) : await meta.update(KEY, bytes, found.revision)
    if (written !== 'refused') return
  }
}

/** Notices that the engine has lost all of its data, and has the histories made anew from the nodes' copies. */
export class Rebuild {
  readonly #options: RebuildOptions
  #state: RebuildState = { state: 'whole' }
  #known: string[]
  /** The loss that this node knows of. */
  #heard: string | undefined
  #cancel: () => void = () => undefined
  #isClosed = false
  #work: Promise<void> = Promise.resolve()

  constructor(options: RebuildOptions) {
    this.#options = options
    this.#known = [options.nodes.self.node]
    this.#lookLater()
  }

  get state(): RebuildState {
    return this.#state
  }

  /** Nodes that lived when the engine was last seen whole: their copies are needed after a loss. */
  get known(): readonly string[] {
    return this.#known
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    await this.#work
  }

  /**
   * Nodes that have to say what they have of a log of which the engine has nothing: those that have not published all of it yet. Rejects with
   * `awaited` if the log must not be opened yet.
   */
  async needed(workspace: string): Promise<readonly string[]> {
    const { engine, identity, nodes } = this.#options
    // In this order: who gives the engine its name again has asked for the rebuild before.
    const found = await identityOf(engine)
    const asked = await readRebuild(engine)
    const waits = asked ? this.#absent(asked) : []
    const refused = (reason: string): HistoryError => new HistoryError('awaited', workspace, 0, reason)
    if (found !== undefined && found.id !== identity.id) {
      throw refused(`the engine has the data of another cluster, ${found.id}: correct the addresses`)
    }
    if (waits.length > 0) throw refused(adviceFor(waits))
    if (found === undefined)
      throw refused('the engine has lost all data: it is made anew from the nodes’ copies in a moment')
    return asked?.nodes.filter((node) => node !== nodes.self.node && !asked.done.includes(node)) ?? []
  }

  #lookLater(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      this.#work = this.#look()
        .catch((error: unknown) => {
          // The engine does not answer: it is looked at again.
          if (!(error instanceof EngineError))
            this.#options.logger?.error({ err: error }, 'the rebuild failed, and is tried again')
        })
        .finally(() => {
          if (!this.#isClosed) this.#lookLater()
        })
    })
  }

  async #look(): Promise<void> {
    const { engine, identity, nodes, logger } = this.#options
    const missing = await engine.storage.missing()
    const found = missing.length > 0 ? undefined : await identityOf(engine)
    if (found === undefined) {
      logger?.error(
        { missing, nodes: this.#known },
        'the engine has lost all data: it is made anew from the nodes’ copies',
      )
      if (missing.length > 0) await engine.storage.remake()
      await askForRebuild(engine, this.#known)
      await enterIdentity(engine, identity)
    } else if (found.id !== identity.id) {
      if (this.#state.state !== 'foreign') logger?.error({ cluster: found.id }, 'the engine has another cluster’s data')
      this.#state = { state: 'foreign', cluster: found.id }
      return
    }
    const asked = await readRebuild(engine)
    if (asked === undefined) {
      this.#state = { state: 'whole' }
      this.#known = nodes.list().map(({ node }) => node)
      return
    }
    await this.#goOn(asked)
  }

  async #goOn(asked: RebuildEntry): Promise<void> {
    const { engine, nodes, ownership } = this.#options
    const { node } = nodes.self
    if (this.#heard !== asked.id) {
      this.#heard = asked.id
      // No key of before is there: each log is taken over anew, and publishes what the engine has lost.
      ownership.loseAll()
    }
    const waits = this.#absent(asked)
    this.#state = waits.length > 0 ? { state: 'waits', nodes: waits, advice: adviceFor(waits) } : { state: 'rebuilds' }
    if (waits.length > 0 || asked.done.includes(node)) return
    if (!(await this.#publishAll())) return
    await change(engine.meta, (before) => before && { ...before, done: [...new Set([...before.done, node])] })
  }

  #absent({ nodes: needed }: RebuildEntry): string[] {
    const living = new Set(this.#options.nodes.list().map(({ node }) => node))
    return needed.filter((node) => !living.has(node))
  }

  /**
   * Publishes all that this node has and the engine has not, deletions first. Logs that are diverged stay as they are. Resolves with false
   * if some have to be published later, since other nodes are awaited.
   */
  async #publishAll(): Promise<boolean> {
    const { store } = this.#options
    const isDone = [await this.#publishEach(store.local.tombstones(), (name) => store.republishTombstone(name))]
    for (const names of [store.local.workspaces(), store.local.systemLogs()])
      isDone.push(await this.#publishEach(names, (name) => this.#publish(name)))
    return isDone.every((each) => each)
  }

  async #publishEach(names: AsyncIterable<string>, publish: (name: string) => Promise<void>): Promise<boolean> {
    const { logger } = this.#options
    let isDone = true
    for await (const name of names) {
      if (this.#isClosed) return false
      if (isSystemLog(name) && workspaceOfSystemLog(name) === undefined) continue
      try {
        await publish(name)
      } catch (error) {
        if (!(error instanceof LogError)) throw error
        if (error.code === 'deleted') continue
        // The node that owns it publishes it, if it can: it needs this one's answer until then.
        if (error.code === 'not_owner') {
          isDone = false
          continue
        }
        if (!(error.cause instanceof HistoryError)) throw error
        if (error.cause.code === 'awaited') isDone = false
        else
          logger?.error(
            { workspace: name, err: error },
            'a log could not be given to the engine again: both copies stay',
          )
      }
    }
    return isDone
  }

  async #publish(name: string): Promise<void> {
    const { store, engine } = this.#options
    const last = await engine.log.last(engineNameOf(name))
    const end = last === undefined ? 0 : positionOf(name, last).lsn
    const floor = await store.withCopy(name, (log) => log.readFloor())
    if (floor === undefined || floor <= end) return
    const log = await store.open(name)
    if (log instanceof ReplicatedLog) await log.republished
    await log.close()
  }
}

/** Says what to do about nodes that are not there. */
function adviceFor(nodes: readonly string[]): string {
  const first = nodes[0] ?? 'NODE'
  return (
    `the engine has lost all data, and the copies of ${nodes.join(', ')} are needed: start these nodes, or give one up with ` +
    `"joinery cluster rebuild --without ${first}"`
  )
}
