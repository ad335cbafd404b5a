import { type ClusterNode, type Engine, fromBytes, toBytes } from '@joinery/cluster'
import { type DiskStore, type FileRef, KEPT, type Keeper, type Kept, SecondCopies } from '@joinery/resources'
import type { Logger } from 'pino'
import { z } from 'zod'

/** Time that another node has to say whether it has a file, ms. */
const ANSWER_MS = 3_000
/** Files that a node copies one after the other, at most: a node with more to copy refuses. */
const COMING_MAX = 1_000

const question = z.object({ scope: z.string(), sha256: z.string(), bytes: z.number(), copies: z.boolean() })
const answer = z.object({ kept: z.enum(KEPT) })
const topicOf = (node: string): string => `jy.node.${node}.files`

export interface FileKeepersOptions {
  readonly engine: Pick<Engine, 'bus'>
  readonly nodes: ClusterNode['nodes']
  readonly disk: Pick<DiskStore, 'has' | 'hasHere' | 'assertRoom'>
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
  #copying: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(options: FileKeepersOptions) {
    this.#options = options
    const { engine, nodes, directory, logger } = options
    this.#unanswer = engine.bus.respond(topicOf(nodes.self.node), async (bytes) => {
      const asked = fromBytes(question, bytes)
      return toBytes({ kept: asked === undefined ? 'refused' : await this.#keep(asked, asked.copies) })
    })
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
    // Without room it is refused, and the next node is asked.
    await disk.assertRoom(file.bytes)
    this.#coming.add(key)
    this.#copying = this.#copying
      .then(() => !this.#isClosed && disk.has(file))
      .catch((err: unknown) => logger.info({ err, sha256: file.sha256 }, 'the copy of a file could not be made'))
      .finally(() => this.#coming.delete(key))
    return 'coming'
  }
}
