import { type ClusterNode, type Engine, fromBytes, toBytes } from '@joinery/cluster'
import type { Inbox, KnownPlace } from '@joinery/resources'
import type { Logger } from 'pino'
import { z } from 'zod'

/** Time that another node has to say where a resource is, ms. */
const ANSWER_MS = 3_000

const asked = z.object({ machine: z.string(), externalId: z.string() })
const place = z.object({ workspace: z.string(), block: z.string(), name: z.string() })
const learned = z.object({ ...asked.shape, ...place.shape })

/** Topic on which nodes tell what they have learned. */
const LEARNED = 'jy.hooks.learned'
const topicOf = (node: string): string => `jy.node.${node}.places`
const NOTHING = new Uint8Array()

export interface SharedIdsOptions {
  readonly engine: Pick<Engine, 'bus'>
  readonly nodes: ClusterNode['nodes']
  readonly logger: Pick<Logger, 'info'>
}

/**
 * The resources of ids at services, on all nodes. Each node keeps the ids that its own workspaces have told, and those that it was told when
 * it asked. It tells the others of new ones, for events that wait there.
 */
export class SharedIds {
  readonly #options: SharedIdsOptions
  #ends: readonly (() => void)[] = []

  constructor(options: SharedIdsOptions) {
    this.#options = options
  }

  /** Answers the other nodes from what the inbox knows, and has it hear what they learn. */
  share(inbox: Pick<Inbox, 'placeOf' | 'hear'>): void {
    const { bus } = this.#options.engine
    this.#ends = [
      bus.respond(topicOf(this.#self), async (bytes) => {
        const question = fromBytes(asked, bytes)
        const known = question && inbox.placeOf(question.machine, question.externalId)
        return known === undefined ? NOTHING : toBytes(known)
      }),
      bus.subscribe(LEARNED, (_, bytes) => {
        const told = fromBytes(learned, bytes)
        if (told !== undefined) inbox.hear(told, told.externalId)
      }),
    ]
  }

  /** Tells the other nodes what this one has learned. */
  readonly tell = (place: KnownPlace & { readonly machine: string }, externalId: string): void =>
    this.#options.engine.bus.publish(LEARNED, toBytes({ ...place, externalId }))

  /** Asks all other nodes. One that does not answer may know it: it is asked again when the event is looked at again. */
  readonly placeElsewhere = async (machine: string, externalId: string): Promise<KnownPlace | undefined> => {
    const { nodes } = this.#options
    const others = nodes.list().filter(({ node }) => node !== this.#self)
    const places = await Promise.all(others.map(({ node }) => this.#askNode(node, { machine, externalId })))
    return places.find((known) => known !== undefined)
  }

  /** Answers nobody any more. */
  close(): void {
    for (const end of this.#ends) end()
  }

  async #askNode(node: string, question: z.infer<typeof asked>): Promise<KnownPlace | undefined> {
    try {
      const bytes = await this.#options.engine.bus.request(topicOf(node), toBytes(question), ANSWER_MS)
      return bytes.byteLength === 0 ? undefined : fromBytes(place, bytes)
    } catch (err) {
      this.#options.logger.info({ err, node, ...question }, 'a node could not be asked for the resource of an id')
      return undefined
    }
  }

  get #self(): string {
    return this.#options.nodes.self.node
  }
}
