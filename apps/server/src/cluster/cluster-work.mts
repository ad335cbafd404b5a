import type { IncomingMessage } from 'node:http'
import { type GiveSharedWork, isSagaOf } from '@joinery/api'
import { type ClusterNode, type Engine, fromBytes, type Gateway, type NodeInfo, toBytes } from '@joinery/cluster'
import type { LeaseAsk, LeasedWork } from '@joinery/protocol'
import { SharedWork, type TaskEngine, TaskError, type WorkPlace } from '@joinery/tasks'
import type { Logger } from 'pino'
import { z } from 'zod'

/** Topic on which nodes say that they have steps. */
const OFFERED = 'jy.work.offered'
const LEASES = '/v1/work/leases'
/** Time that another node has to write a lease and to wait for a quorum, ms. */
const ANSWER_MS = 10_000

const offered = z.object({ session: z.string(), sagas: z.array(z.string()), fresh: z.array(z.string()) })
const given = z.object({ leases: z.array(z.custom<LeasedWork>((value) => typeof value === 'object')) })
const refused = z.object({
  error: z.object({
    code: z.enum(['invalid', 'too_large']),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
})

export interface ClusterWorkOptions {
  readonly engine: Pick<Engine, 'bus'>
  readonly nodes: ClusterNode['nodes']
  readonly gateway: Pick<Gateway, 'ask' | 'isPassed'>
  readonly offers: TaskEngine['offers']
  /** Sagas whose steps each node runs by itself. */
  readonly ownSagas: readonly string[]
  /** Told of each workspace of which another node has given a step: the end of it comes here, too. */
  readonly onBrought: (workspace: string) => void
  readonly logger: Pick<Logger, 'info'>
}

/** Gives workers that ask this node the steps of all nodes. Each node lets workers in by itself, and writes its own leases. */
export class ClusterWork {
  readonly #options: ClusterWorkOptions
  readonly #shared: SharedWork
  readonly #unsubscribe: () => void
  readonly counts = { asked: 0, brought: 0 }

  constructor(options: ClusterWorkOptions) {
    this.#options = options
    const { engine, nodes, logger, offers } = options
    const { session } = nodes.self
    this.#shared = new SharedWork({
      offers,
      tell: (news) => engine.bus.publish(OFFERED, toBytes({ session, ...news })),
      onFailure: (place, err) => {
        const node = nodes.list().find((each) => each.session === place)?.node
        logger.info({ node, err }, 'a node could not be asked for steps')
      },
    })
    this.#unsubscribe = engine.bus.subscribe(OFFERED, (_, bytes) => {
      const news = fromBytes(offered, bytes)
      if (news !== undefined && news.session !== session) this.#shared.hear(news.session, news)
    })
  }

  readonly give: GiveSharedWork = (ask, own, caller, signal) => {
    const serves = ask.serves.filter(({ name }) => !this.#options.ownSagas.some((each) => isSagaOf(name, each)))
    if (serves.length === 0 || this.#options.gateway.isPassed(caller)) return own(ask, signal)
    const others = () => this.#others().map((node) => this.#placeAt(node, caller, serves))
    return this.#shared.lease(ask, { own, others }, signal)
  }

  close(): void {
    this.#unsubscribe()
    this.#shared.close()
  }

  #others(): NodeInfo[] {
    const { nodes } = this.#options
    return nodes.list().filter(({ node, session }) => node !== nodes.self.node && !nodes.isGone(session))
  }

  #placeAt(node: NodeInfo, caller: IncomingMessage, serves: LeaseAsk['serves']): WorkPlace {
    const { gateway, onBrought } = this.#options
    const post = async (target: string, body?: object) => {
      const signal = AbortSignal.timeout(ANSWER_MS)
      const answer = await gateway.ask(node, caller, { method: 'POST', target, signal, ...(body && { body }) })
      if (answer.status < 300) return answer.body === '' ? undefined : (JSON.parse(answer.body) as unknown)
      const { data } = refused.safeParse(asJson(answer.body))
      if (data !== undefined) throw new TaskError(data.error.code, data.error.message, data.error.details)
      throw new Error(`node ${node.node} answered ${answer.status}: ${answer.body.slice(0, 200)}`)
    }
    return {
      id: node.session,
      take: async (ask) => {
        this.counts.asked++
        const { leases } = given.parse(await post(LEASES, { ...ask, serves }))
        this.counts.brought += leases.length
        for (const { workspace } of leases) onBrought(workspace)
        return leases
      },
      release: async (token) => void (await post(`${LEASES}/${encodeURIComponent(token)}/release`)),
    }
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Somebody else may listen at the address of a node that has died.
    return undefined
  }
}
