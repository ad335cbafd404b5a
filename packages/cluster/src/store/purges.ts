import { type AdoptingStore, type SteadyClock, workspaceOfSystemLog } from '@joinery/log'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { fromBytes, toBytes } from '../nodes/json-value.ts'
import { SharedTable } from '../nodes/shared-table.ts'

/** Log of this node's own that keeps what it knows, also while the engine has lost it. */
const LOG = '!purged'
const ENTRY = { actor: 'joinery', source: 'system', connection: 'cluster', touched: [] } as const
/** Notes that are given to an engine at the same time. */
const TOGETHER = 64

const generations = z.object({ generations: z.array(z.string()) })
type Generations = z.infer<typeof generations>
const record = generations.extend({ workspace: z.string() })

/**
 * The generations that were purged, by workspace, those of its system logs included. A quorum of the engine keeps them, and so does every
 * node on its disk: a copy may come back that was away over a purge and over a loss of the engine. Nothing is ever forgotten.
 */
export class Purges {
  readonly #local: AdoptingStore
  readonly #known = new Map<string, Set<string>>()
  #table!: SharedTable<Generations>
  /** Ends when everything that was heard is on the disk. */
  #keeping: Promise<void> = Promise.resolve()

  private constructor(local: AdoptingStore) {
    this.#local = local
  }

  /** Rejects with the errors of the engine and of the store. */
  static async open(engine: Pick<Engine, 'meta'>, local: AdoptingStore, clock?: SteadyClock): Promise<Purges> {
    const purges = new Purges(local)
    await purges.#read()
    purges.#table = await SharedTable.open(engine.meta, {
      prefix: 'purged',
      schema: generations,
      merge: (before, next) => ({ generations: [...new Set([...before.generations, ...next.generations])].sort() }),
      onChange: (workspace, heard) => purges.#keep(workspace, heard.generations),
      ...(clock && { clock }),
    })
    try {
      await purges.#putLost()
      return purges
    } catch (error) {
      await purges.close()
      throw error
    }
  }

  /** Whether a generation of a log was purged, as this node knows. */
  has(name: string, generation: string): boolean {
    return this.#known.get(workspaceOf(name))?.has(generation) === true
  }

  /** The generations of a workspace and of its system logs that were purged, as this node knows. `name` is any log of it. */
  of(name: string): readonly string[] {
    return [...(this.#known.get(workspaceOf(name)) ?? [])]
  }

  /** As {@link of}, with what the engine knows now. Rejects with the engine's errors. */
  async ask(name: string): Promise<ReadonlySet<string>> {
    const workspace = workspaceOf(name)
    const heard = await this.#table.ask(workspace)
    if (heard !== undefined) this.#keep(workspace, heard.generations)
    return new Set(this.of(workspace))
  }

  /** Notes that generations of a workspace and its system logs are purged. Resolves once a quorum has it. */
  async note(workspace: string, purged: readonly string[]): Promise<void> {
    if (purged.length === 0) return
    await this.#table.put(workspace, { generations: [...purged].sort() })
    this.#keep(workspace, purged)
  }

  /** Hears nothing any more. Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#table.close()
    await this.#keeping
  }

  async #read(): Promise<void> {
    const log = await this.#local.open(LOG)
    try {
      for await (const { update } of log.read()) {
        const kept = fromBytes(record, update)
        if (kept !== undefined) this.#learn(kept.workspace, kept.generations)
      }
    } finally {
      await log.close()
    }
  }

  #keep(workspace: string, heard: readonly string[]): void {
    const fresh = this.#learn(workspace, heard)
    if (fresh.length === 0) return
    // If the disk fails, the engine tells it again when this node is started next.
    this.#keeping = this.#keeping.then(() => this.#write({ workspace, generations: fresh })).catch(ignore)
  }

  async #write(note: z.infer<typeof record>): Promise<void> {
    const log = await this.#local.open(LOG)
    try {
      await log.append({ ...ENTRY, update: toBytes(note) }).durable
    } finally {
      await log.close()
    }
  }

  /** Returns what is new. */
  #learn(workspace: string, heard: readonly string[]): string[] {
    const known = this.#known.get(workspace) ?? new Set()
    const fresh = heard.filter((generation) => !known.has(generation))
    for (const generation of fresh) known.add(generation)
    this.#known.set(workspace, known)
    return fresh
  }

  /** Gives the engine what it has lost while this node was away. */
  async #putLost(): Promise<void> {
    const lost = [...this.#known].flatMap(([workspace, known]): [string, Generations][] => {
      const there = new Set(this.#table.get(workspace)?.generations)
      return [...known].every((generation) => there.has(generation))
        ? []
        : [[workspace, { generations: [...known].sort() }]]
    })
    for (let at = 0; at < lost.length; at += TOGETHER) {
      await Promise.all(lost.slice(at, at + TOGETHER).map(([workspace, value]) => this.#table.put(workspace, value)))
    }
  }
}

function workspaceOf(name: string): string {
  return workspaceOfSystemLog(name) ?? name
}

function ignore(): void {
  // As said where it stands.
}
