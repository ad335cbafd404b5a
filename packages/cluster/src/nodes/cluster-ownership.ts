import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Hold, Ownership } from '@joinery/server'
import { z } from 'zod'
import type { Engine, EngineEntry } from '../engine/engine.ts'
import { fromBytes, toBytes } from './json-value.ts'
import { engineNameOf, nameOfEngineName } from './names.ts'
import type { Nodes } from './nodes.ts'

const ownerEntry = z.object({ node: z.string(), session: z.string(), address: z.string() })

/** Time until a key is looked at whose last write was not answered, ms. */
const DOUBT_MS = 1_000

/** The node that owns a workspace, its run, and where it is reached, as `host:port`. */
export type Owner = Readonly<z.infer<typeof ownerEntry>>

type Claim = Awaited<ReturnType<Ownership['claim']>>

interface Held {
  readonly revision: number
  readonly lost: AbortController
  /** Claims that have not been released: a workspace's room, and its system logs, hold it each. */
  claims: number
}

/**
 * Owners of workspaces, by keys on the engine. A key only says where to look: the fence is in the workspace's history
 * (Q10), so that a wrong key costs a reconnect and no edit.
 */
export class ClusterOwnership implements Ownership {
  readonly #engine: Engine
  readonly #nodes: Nodes
  readonly #held = new Map<string, Held>()
  /** Owners by workspace, as the watch has told. */
  readonly #owners = new Map<string, Owner>()
  readonly #releasing = new Map<string, Promise<void>>()
  readonly #clock: SteadyClock
  /** Keys that may name this node although it holds nothing, with what ends the wait for the next look at them. */
  readonly #doubtful = new Map<string, () => void>()
  readonly #listeners = new Set<(workspace: string, owner: Owner | undefined) => void>()
  #stop: () => void = () => {}
  #isClosed = false

  private constructor(engine: Engine, nodes: Nodes, clock: SteadyClock) {
    this.#engine = engine
    this.#clock = clock
    this.#nodes = nodes
  }

  static async open(engine: Engine, nodes: Nodes, clock = systemSteadyClock): Promise<ClusterOwnership> {
    const own = new ClusterOwnership(engine, nodes, clock)
    own.#stop = await engine.meta.watch((key, entry) => own.#note(key, entry))
    return own
  }

  async claim(workspace: WorkspaceId): Promise<Claim> {
    const { meta } = this.#engine
    const key = keyOf(workspace)
    const heard = this.ownerOf(workspace)
    // The engine may need seconds for a new leader: by then it is known whether the owner lives.
    if (heard !== undefined && heard.session !== this.#nodes.self.session) void this.#serves(heard).catch(ignore)
    for (;;) {
      await this.#releasing.get(key)
      const entry = await meta.get(key)
      const owner = entry === undefined ? undefined : fromBytes(ownerEntry, entry.value)
      if (entry !== undefined && owner !== undefined) {
        const isMine = owner.session === this.#nodes.self.session
        if (isMine) return { held: this.#hold(key, entry.revision) }
        if (await this.#serves(owner)) {
          // The news of it may still be on its way.
          if (this.ownerOf(workspace)?.session !== owner.session) this.#noteOwner(key, entry)
          return { at: owner.address }
        }
      }
      const revision = await this.#write(key, entry)
      if (revision !== 'refused') return { held: this.#hold(key, revision) }
    }
  }

  /** The owner of a workspace, as this node has heard last; undefined for none. It may be dead by now. */
  ownerOf(workspace: string): Owner | undefined {
    return this.#owners.get(workspace)
  }

  /** The owner of a workspace, as the engine says now; undefined for none, and if the engine does not answer. */
  async askForOwner(workspace: string): Promise<Owner | undefined> {
    const entry = await this.#engine.meta.get(keyOf(workspace)).catch(ignore)
    return entry === undefined ? undefined : fromBytes(ownerEntry, entry.value)
  }

  /** Workspaces with an owner, and the owners. */
  owners(): IterableIterator<[workspace: string, owner: Owner]> {
    return this.#owners.entries()
  }

  /** Calls `listener` when a workspace has another owner, or none. Returns unsubscribe. */
  onChange(listener: (workspace: string, owner: Owner | undefined) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes a workspace although its owner lives, as an operator may want it. The owner loses its hold. */
  async seize(workspace: WorkspaceId): Promise<Hold> {
    const key = keyOf(workspace)
    for (;;) {
      const revision = await this.#write(key, await this.#engine.meta.get(key))
      if (revision !== 'refused') return this.#hold(key, revision)
    }
  }

  /** Loses all holds, and forgets all owners: the engine has lost their keys. */
  loseAll(): void {
    for (const { lost } of this.#held.values()) lost.abort()
    this.#held.clear()
    for (const [workspace] of [...this.#owners]) this.#noteOwner(keyOf(workspace), undefined)
  }

  /** Holds nothing any more on this node's side: every hold is lost. */
  close(): void {
    this.#isClosed = true
    this.#stop()
    for (const cancel of this.#doubtful.values()) cancel()
    for (const { lost } of this.#held.values()) lost.abort()
    this.#held.clear()
  }

  /** True if the owner answers, as the same run. One that does not is not waited for again for its other workspaces. */
  async #serves({ node, session }: Owner): Promise<boolean> {
    if (await this.#nodes.serves(node, session)) return true
    // A node that is cut off hears nobody, which says nothing of the others.
    if ((await this.#nodes.ask(this.#nodes.self.node)) !== undefined) this.#nodes.noteGone(session)
    return false
  }

  #write(key: string, entry: EngineEntry | undefined): Promise<number | 'refused'> {
    const { node, session, address } = this.#nodes.self
    const value = toBytes({ node, session, address })
    const { meta } = this.#engine
    const written = entry === undefined ? meta.create(key, value) : meta.update(key, value, entry.revision)
    written.catch(() => this.#doubt(key))
    return written
  }

  /**
   * Looks at a key a while later, since the answer to its last write is lost: it may name this node for good, although the node holds
   * nothing, and no other node would take the workspace.
   */
  #doubt(key: string): void {
    if (this.#isClosed || this.#doubtful.has(key)) return
    const cancel = this.#clock.after(DOUBT_MS, () => {
      this.#doubtful.delete(key)
      this.#tidy(key).catch(() => this.#doubt(key))
    })
    this.#doubtful.set(key, cancel)
  }

  async #tidy(key: string): Promise<void> {
    const entry = await this.#engine.meta.get(key)
    const owner = entry === undefined ? undefined : fromBytes(ownerEntry, entry.value)
    if (entry === undefined || owner?.session !== this.#nodes.self.session || this.#held.has(key)) return
    await this.#release(key, entry.revision)
  }

  /** Deletes a key. A claim meanwhile would find this node's own entry, and lose it. */
  async #release(key: string, revision: number): Promise<void> {
    const deleted = this.#engine.meta.delete(key, revision)
    const settled = deleted.then(ignore, ignore).then(() => void this.#releasing.delete(key))
    this.#releasing.set(key, settled)
    await deleted
  }

  #hold(key: string, revision: number): Hold {
    const before = this.#held.get(key)
    const held = before?.revision === revision ? before : { revision, lost: new AbortController(), claims: 0 }
    if (before !== held) before?.lost.abort()
    this.#held.set(key, held)
    held.claims++
    let isReleased = false
    const release = async (): Promise<void> => {
      if (isReleased) return
      isReleased = true
      if (--held.claims > 0 || this.#held.get(key) !== held) return
      this.#held.delete(key)
      await this.#release(key, revision).catch((error: unknown) => {
        this.#doubt(key)
        throw error
      })
    }
    return { token: revision, lost: held.lost.signal, release }
  }

  #note(key: string, entry: EngineEntry | undefined): void {
    this.#noteOwner(key, entry)
    const held = this.#held.get(key)
    if (held === undefined) return
    // A watch may lag, and tell what was before this hold.
    const isOlder = entry !== undefined && entry.revision <= held.revision
    if (isOlder) return
    this.#held.delete(key)
    held.lost.abort()
  }

  #noteOwner(key: string, entry: EngineEntry | undefined): void {
    const name = KEY.exec(key)?.[1]
    if (name === undefined) return
    const workspace = nameOfEngineName(name)
    const owner = entry === undefined ? undefined : fromBytes(ownerEntry, entry.value)
    if (owner === undefined) this.#owners.delete(workspace)
    else this.#owners.set(workspace, owner)
    for (const listener of [...this.#listeners]) listener(workspace, owner)
  }
}

const ignore = (): void => undefined

const KEY = /^own\.(.+)$/

function keyOf(workspace: string): string {
  return `own.${engineNameOf(workspace)}`
}
