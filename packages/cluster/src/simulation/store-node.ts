import { type AdoptingStore, type LogEntry, LogError, openMemoryStore, type WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Hold } from '@joinery/server'
import { type ClusterNode, openClusterNode } from '../cluster-node.ts'
import type { Engine } from '../engine/engine.ts'
import type { MemoryEngine } from '../engine/memory/memory-engine.ts'
import type { Random } from './random.ts'
import type { RandomFaults } from './random-faults.ts'
import { RunStore } from './run-store.ts'
import type { VirtualTime } from './virtual-time.ts'

export const WORKSPACE = 'w' as WorkspaceId
export const JOURNAL = '!work/w'

/** A record that was acknowledged as replicated. */
export interface Acknowledged {
  readonly log: string
  readonly text: string
  readonly lsn: number
  readonly generation: string
}

/** Edits that clients have made, and which of them nobody has acknowledged: those are brought again, under the same keys. */
export interface Clients {
  readonly waiting: Set<string>
  edits: number
  /** Purges of the workspace so far. */
  life: number
  /** The number of purges when an edit was made. */
  readonly lives: Map<string, number>
}

interface StoreNodeOptions {
  readonly name: string
  readonly engine: MemoryEngine
  readonly faults: RandomFaults
  readonly time: VirtualTime
  readonly random: Random
  readonly clients: Clients
}

/** One process of a cluster with all that it has but a server: nodes, ownership, store and follower are the real ones. */
export class StoreNode {
  readonly name: string
  readonly acknowledged: Acknowledged[] = []
  disk: AdoptingStore = openMemoryStore()
  readonly #options: StoreNodeOptions
  #run = 0
  #store: RunStore | undefined
  #link: Engine | undefined
  #node: ClusterNode | undefined
  #isStarting = false
  #isOpening = false
  #log: WorkspaceLog | undefined
  #journal: WorkspaceLog | undefined

  constructor(options: StoreNodeOptions) {
    this.name = options.name
    this.#options = options
  }

  get node(): ClusterNode | undefined {
    return this.#node
  }

  get isOwner(): boolean {
    return this.#log?.state.state === 'open'
  }

  /** Starts the process, unless it runs. A start that fails is made again later. */
  async start(): Promise<void> {
    if (this.#isStarting || this.#node !== undefined) return
    this.#isStarting = true
    const { name, time } = this.#options
    const run = ++this.#run
    const [engine, store] = [this.#connect(), new RunStore(this.disk)]
    this.#store = store
    this.#link = engine
    try {
      const { clock } = time
      const node = await openClusterNode({ engine, store, node: name, advertise: `${name}:1`, clock })
      if (run !== this.#run) return end(node, engine)
      this.#node = node
    } catch {
      // The engine does not answer, or takes the run before for alive.
      store.kill()
      void engine.close()
    } finally {
      if (run === this.#run) this.#isStarting = false
    }
  }

  /** Opens the workspace and its journal, if this node can own them; with `seizes` it takes them from a living owner. */
  async take(seizes = false): Promise<void> {
    const [node, run] = [this.#node, this.#run]
    if (node === undefined || this.#isOpening || this.isOwner) return
    this.#isOpening = true
    let seized: Hold | undefined
    try {
      await this.release()
      if (seizes) seized = await node.ownership.seize(WORKSPACE)
      const log = await node.store.open(WORKSPACE)
      const journal = await node.store.open(JOURNAL).catch(async (error: unknown) => {
        await log.close()
        throw error
      })
      if (run !== this.#run) return
      this.#log = log
      this.#journal = journal
    } catch (error) {
      // Another node owns it, or the engine does not answer. Somebody asks for the rest of a purge that was cut short.
      if (error instanceof LogError && error.code === 'deleted') await node.store.purge(WORKSPACE).catch(ignore)
    } finally {
      await seized?.release().catch(ignore)
      if (run === this.#run) this.#isOpening = false
    }
  }

  /** Deletes the workspace and purges it, if this node owns it. That may fail or be cut short anywhere. */
  async purge(): Promise<void> {
    const [node, run] = [this.#node, this.#run]
    if (node === undefined || this.#isOpening || !this.isOwner) return
    this.#isOpening = true
    try {
      await this.release()
      await node.store.tombstone(WORKSPACE)
      await node.store.purge(WORKSPACE)
    } catch {
      // The next one that finds it deleted goes on.
    } finally {
      if (run === this.#run) this.#isOpening = false
    }
  }

  /** Closes the logs, so that another node may have them. */
  async release(): Promise<void> {
    const open = [this.#journal, this.#log]
    this.#journal = undefined
    this.#log = undefined
    for (const log of open) await log?.close().catch(ignore)
  }

  /** A client's edit, a new one or one that nobody has acknowledged; some come with a record of the journal in the same turn. */
  edit(): void {
    const { clients, random } = this.#options
    const [store, log, journal] = [this.#node?.store, this.#log, this.#journal]
    if (store === undefined || log?.state.state !== 'open' || journal?.state.state !== 'open') return
    const waits = [...clients.waiting]
    const text = waits.length > 0 && random.chance(0.3) ? random.pick(waits) : `edit ${++clients.edits}`
    clients.lives.set(text, clients.lives.get(text) ?? clients.life)
    clients.waiting.add(text)
    const isTurn = random.chance(0.3)
    try {
      store.atomically(() => {
        this.#append(log, text, () => clients.waiting.delete(text))
        if (isTurn) this.#append(journal, `beside ${text}`, ignore)
      })
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      if (error.code === 'duplicate_key') void this.#hearOf(log, text)
    }
  }

  /** A repeat is acknowledged, too, once the LSN of its key is told: the client forgets the edit then. */
  async #hearOf(log: WorkspaceLog, text: string): Promise<void> {
    const run = this.#run
    const { generation = '' } = log
    const lsn = await log.lsnOfKey(text).catch(ignore)
    if (run !== this.#run || lsn === undefined) return
    this.acknowledged.push({ log: log.workspace, text, lsn, generation })
    this.#options.clients.waiting.delete(text)
  }

  /** Kills the process. Its disk stays, or is lost with all that it had. */
  kill(isDiskLost = false): void {
    this.#run++
    this.#store?.kill()
    if (this.#node !== undefined && this.#link !== undefined) end(this.#node, this.#link)
    else void this.#link?.close()
    this.#node = undefined
    this.#log = undefined
    this.#journal = undefined
    this.#isStarting = false
    this.#isOpening = false
    if (isDiskLost) this.disk = openMemoryStore()
  }

  #append(log: WorkspaceLog, text: string, done: () => void): void {
    const run = this.#run
    const { lsn, durable } = log.append(entryOf(text))
    const { generation = '' } = log
    durable.then(() => {
      if (run !== this.#run) return
      this.acknowledged.push({ log: log.workspace, text, lsn, generation })
      done()
    }, ignore)
  }

  /** The engine as this node reaches it. One that is cut off answers nobody. */
  #connect(): Engine {
    const { name, engine, faults } = this.#options
    const link = engine.connect(name)
    const respond: Engine['bus']['respond'] = (topic, answer) =>
      link.bus.respond(topic, (data) => (faults.callMs(name) === undefined ? new Promise(ignore) : answer(data)))
    return { ...link, bus: { ...link.bus, respond } }
  }
}

/** Ends all that a killed run would still do. Nothing of it reaches the engine or the disk. */
function end({ follower, nodes, ownership }: ClusterNode, engine: Engine): void {
  void engine.close()
  ownership.close()
  follower.close().catch(ignore)
  nodes.leave().catch(ignore)
}

function entryOf(text: string): LogEntry {
  const update = new TextEncoder().encode(text)
  return { update, actor: 'ann', source: 'user_action', connection: 'c', touched: [], idempotencyKey: text }
}

function ignore(): void {
  // The life goes on.
}
