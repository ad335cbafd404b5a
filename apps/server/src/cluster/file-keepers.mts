import { type ClusterNode, type Engine, fromBytes, toBytes } from '@joinery/cluster'
import { type DiskStore, type FileRef, KEPT, type Keeper, type Kept, SecondCopies, scopeOf } from '@joinery/resources'
import type { Logger } from 'pino'
import { z } from 'zod'

/** Time that another node has to say whether it has a file, ms. */
const ANSWER_MS = 3_000
/** Files that a node copies one after the other, at most: a node with more to copy refuses. */
const COMING_MAX = 1_000
/** Time between two looks at which workspaces there are, ms. */
const LOOK_MS = 1_000

const question = z.object({ scope: z.string(), sha256: z.string(), bytes: z.number(), copies: z.boolean() })
const answer = z.object({ kept: z.enum(KEPT) })
const topicOf = (node: string): string => `jy.node.${node}.files`

export interface FileKeepersOptions {
  readonly engine: Pick<Engine, 'bus'>
  readonly nodes: ClusterNode['nodes']
  readonly disk: Pick<DiskStore, 'has' | 'hasHere' | 'assertRoom' | 'removeScope'>
  /** Tells which workspaces there are, and which are purged. */
  readonly store: Pick<ClusterNode['store'], 'workspaces' | 'tombstones' | 'onPurge'>
  /** Folder of the files of this node's disk. */
  readonly directory: string
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

/** Keeps second copies of the files on other nodes' disks, and has those nodes keep copies of this one's. */
export class FileKeepers {
  readonly copies: SecondCopies
  readonly #options: FileKeepersOptions
  readonly #coming = new Set<string>()
  readonly #unanswer: () => void
  /** Scopes of the workspaces that this node has copies of. */
  #scopes = new Set<string>()
  /** Purges of scopes since the start. */
  readonly #purges = new Map<string, number>()
  #lookedMs = Number.NEGATIVE_INFINITY
  #copying: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(options: FileKeepersOptions) {
    this.#options = options
    const { engine, nodes, directory, logger, store, disk } = options
    const unhear = store.onPurge(async (workspace) => {
      const scope = scopeOf(workspace)
      this.#scopes.delete(scope)
      this.#purges.set(scope, (this.#purges.get(scope) ?? 0) + 1)
      await disk.removeScope(scope)
    })
    const unanswer = engine.bus.respond(topicOf(nodes.self.node), async (bytes) => {
      const asked = fromBytes(question, bytes)
      return toBytes({ kept: asked === undefined ? 'refused' : await this.#keep(asked, asked.copies) })
    })
    this.#unanswer = () => {
      unhear()
      unanswer()
    }
    this.copies = new SecondCopies({ directory, keepers: () => this.#keepers(), logger })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#unanswer()
    await Promise.all([this.copies.close(), this.#copying])
  }

  #keepers(): Keeper[] {
    const { engine, nodes } = this.#options
    const others = nodes.list().filter(({ node, session, isDraining }) => {
      return node !== nodes.self.node && !isDraining && !nodes.isGone(session)
    })
    return others.map(({ node, session }) => ({
      ...{ name: node, id: session },
      ask: async (file, copies) => {
        const bytes = await engine.bus.request(topicOf(node), toBytes({ ...file, copies }), ANSWER_MS)
        // A node of another version keeps none.
        return fromBytes(answer, bytes)?.kept ?? 'refused'
      },
    }))
  }

  async #keep(file: FileRef, copies: boolean): Promise<Kept> {
    const { disk, nodes, logger } = this.#options
    if (await disk.hasHere(file)) return 'has'
    const key = `${file.scope}/${file.sha256}`
    if (this.#coming.has(key)) return 'coming'
    if (!copies || this.#isClosed || nodes.self.isDraining || this.#coming.size >= COMING_MAX) return 'refused'
    // A node that was away may still have the files of a workspace that is purged.
    if (!(await this.#isOfWorkspace(file.scope))) return 'refused'
    // Without room it is refused, and the next node is asked.
    await disk.assertRoom(file.bytes)
    this.#coming.add(key)
    const purges = this.#purges.get(file.scope)
    this.#copying = this.#copying
      .then(() => !this.#isClosed && disk.has(file))
      // A purge meanwhile has found no file.
      .then(() => (this.#purges.get(file.scope) === purges ? undefined : disk.removeScope(file.scope)))
      .catch((err: unknown) => logger.info({ err, sha256: file.sha256 }, 'the copy of a file could not be made'))
      .finally(() => this.#coming.delete(key))
    return 'coming'
  }

  /** Whether a workspace of this node, or one that is deleted and not purged, has files in this scope. */
  async #isOfWorkspace(scope: string): Promise<boolean> {
    if (this.#scopes.has(scope)) return true
    if (performance.now() - this.#lookedMs < LOOK_MS) return false
    this.#lookedMs = performance.now()
    const { store } = this.#options
    const scopes = new Set<string>()
    for await (const name of store.workspaces()) scopes.add(scopeOf(name))
    for await (const name of store.tombstones()) scopes.add(scopeOf(name))
    this.#scopes = scopes
    return scopes.has(scope)
  }
}
