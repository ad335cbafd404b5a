import type { WorkspaceId } from '@joinery/protocol'
import type { Hold, Ownership } from '@joinery/server'
import { z } from 'zod'
import type { Engine, EngineEntry } from '../engine/engine.ts'
import { fromBytes, toBytes } from './json-value.ts'
import { engineNameOf } from './names.ts'
import type { Nodes } from './nodes.ts'

const ownerEntry = z.object({ node: z.string(), session: z.string(), address: z.string() })

type Claim = Awaited<ReturnType<Ownership['claim']>>

interface Held {
  readonly revision: number
  readonly lost: AbortController
}

/**
 * Owners of workspaces, by keys on the engine. A key only says where to look: the fence is in the workspace's history
 * (Q10), so that a wrong key costs a reconnect and no edit.
 */
export class ClusterOwnership implements Ownership {
  readonly #engine: Engine
  readonly #nodes: Nodes
  readonly #held = new Map<string, Held>()
  #stop: () => void = () => {}

  private constructor(engine: Engine, nodes: Nodes) {
    this.#engine = engine
    this.#nodes = nodes
  }

  static async open(engine: Engine, nodes: Nodes): Promise<ClusterOwnership> {
    const own = new ClusterOwnership(engine, nodes)
    own.#stop = await engine.meta.watch((key, entry) => own.#note(key, entry))
    return own
  }

  async claim(workspace: WorkspaceId): Promise<Claim> {
    const { meta } = this.#engine
    const key = keyOf(workspace)
    for (;;) {
      const entry = await meta.get(key)
      const owner = entry === undefined ? undefined : fromBytes(ownerEntry, entry.value)
      if (entry !== undefined && owner !== undefined) {
        const isMine = owner.session === this.#nodes.self.session
        if (isMine) return { held: this.#hold(key, entry.revision) }
        if (await this.#serves(owner)) return { at: owner.address }
      }
      const revision = await this.#write(key, entry)
      if (revision !== 'refused') return { held: this.#hold(key, revision) }
    }
  }

  /** Takes a workspace although its owner lives, as an operator may want it. The owner loses its hold. */
  async seize(workspace: WorkspaceId): Promise<Hold> {
    const key = keyOf(workspace)
    for (;;) {
      const revision = await this.#write(key, await this.#engine.meta.get(key))
      if (revision !== 'refused') return this.#hold(key, revision)
    }
  }

  /** Holds nothing any more on this node's side: every hold is lost. */
  close(): void {
    this.#stop()
    for (const { lost } of this.#held.values()) lost.abort()
    this.#held.clear()
  }

  /** True if the owner answers, as the same run. */
  async #serves({ node, session }: z.infer<typeof ownerEntry>): Promise<boolean> {
    return (await this.#nodes.ask(node))?.session === session
  }

  #write(key: string, entry: EngineEntry | undefined): Promise<number | 'refused'> {
    const { node, session, address } = this.#nodes.self
    const value = toBytes({ node, session, address })
    const { meta } = this.#engine
    return entry === undefined ? meta.create(key, value) : meta.update(key, value, entry.revision)
  }

  #hold(key: string, revision: number): Hold {
    const before = this.#held.get(key)
    const held = before?.revision === revision ? before : { revision, lost: new AbortController() }
    if (before !== held) before?.lost.abort()
    this.#held.set(key, held)
    const release = async (): Promise<void> => {
      if (this.#held.get(key) !== held) return
      this.#held.delete(key)
      await this.#engine.meta.delete(key, revision)
    }
    return { token: revision, lost: held.lost.signal, release }
  }

  #note(key: string, entry: EngineEntry | undefined): void {
    const held = this.#held.get(key)
    if (held === undefined) return
    // A watch may lag, and tell what was before this hold.
    const isOlder = entry !== undefined && entry.revision <= held.revision
    if (isOlder) return
    this.#held.delete(key)
    held.lost.abort()
  }
}

function keyOf(workspace: string): string {
  return `own.${engineNameOf(workspace)}`
}
