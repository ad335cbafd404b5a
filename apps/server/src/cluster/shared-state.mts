import { type ClusterNode, type Engine, type Patience, SharedTable, type SharedTableOptions } from '@joinery/cluster'
import { LogError } from '@joinery/log'
import { type Outbox, subscriptionSchema } from '@joinery/resources'
import type { AnnouncedIds, KeptTab, Quotas, QuotaUse, Revocation, Revocations } from '@joinery/server'
import type { Logger } from 'pino'
import { z } from 'zod'

const count = z.number().int().min(0)
const since = z.object({ sinceMs: z.number() })
const used = z.object({ workspaces: count, keys: count, day: count, bytes: count })
const tab = z.object({ client: count, actor: z.string(), address: z.string() })
/** Null for one that was removed: nobody removes a value. */
const subscribed = z.object({ subscription: subscriptionSchema.nullable() })
const tabsOfNode = z.object({ node: z.string(), tabs: z.array(tab) })

export interface SharedParts {
  readonly revocations: Revocations
  readonly quotas: Quotas
  readonly announced: AnnouncedIds
}

export interface SharedStateOptions {
  readonly engine: Pick<Engine, 'meta'>
  readonly node: Pick<ClusterNode, 'nodes' | 'ownership'>
  /** Asks again while the engine does not answer, until all is known. */
  readonly patience: Patience
  readonly logger: Logger
}

/**
 * State that holds for all nodes beside the workspaces: revoked tokens, the use of quotas, which tabs are connected, and the
 * subscriptions that operators have put. The engine keeps
 * it. Each node has a copy of its own in its memory, and revocations and its own use on its disk, too.
 */
export class SharedState {
  readonly #options: SharedStateOptions
  #revoked: SharedTable<z.infer<typeof since>> | undefined
  #used: SharedTable<z.infer<typeof used>> | undefined
  #tabs: SharedTable<z.infer<typeof tabsOfNode>> | undefined
  #subscribed: SharedTable<z.infer<typeof subscribed>> | undefined
  #stop: () => void = () => undefined

  constructor(options: SharedStateOptions) {
    this.#options = options
  }

  /** Resolves once a quorum has the revocation. Rejects with the engine's error, and says what to do. */
  readonly shareRevocation = async ({ actor, sinceMs }: Revocation): Promise<void> => {
    try {
      await this.#revoked?.put(actor, { sinceMs })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `this node refuses the tokens of ${actor} now, and the other nodes could not be told: ${reason}. Repeat it`
      throw new LogError('storage_failed', message, { cause })
    }
  }

  readonly shareUse = async (changed: readonly QuotaUse[]): Promise<void> => {
    for (const { principal, ...use } of changed) await this.#used?.put(`${this.#node}/${principal}`, use)
  }

  readonly shareTabs = async (byWorkspace: ReadonlyMap<string, readonly KeptTab[]>): Promise<void> => {
    for (const [workspace, tabs] of byWorkspace) {
      const own = tabs.map(({ client, actor, address }) => ({ client, actor, address }))
      await this.#tabs?.put(workspace, { node: this.#node, tabs: own })
    }
  }

  /** Takes over what the cluster knows, and goes on doing so. Resolves once all of it is known. Rejects with the engine's errors. */
  async follow({ revocations, quotas, announced }: SharedParts): Promise<void> {
    const { node, patience, logger } = this.#options
    const learn = async (actor: string, sinceMs: number): Promise<void> => {
      await revocations.learn({ actor, sinceMs }).catch((err: unknown) => {
        logger.error({ err, actor }, 'a revocation of another node holds, and could not be kept on the disk')
      })
    }
    this.#revoked = await this.#open({
      ...{ prefix: 'revoked', schema: since },
      merge: (before, next) => ({ sinceMs: Math.max(before.sinceMs, next.sinceMs) }),
      onChange: (actor, { sinceMs }) => void learn(actor, sinceMs),
    })
    // Made while the directory was a single machine's, or while the engine was away.
    for (const [actor, sinceMs] of revocations) {
      const known = this.#revoked.get(actor)
      if (known !== undefined && known.sinceMs >= sinceMs) continue
      await patience.ask('the revoked tokens', async () => this.#revoked?.put(actor, { sinceMs }))
    }
    if (!quotas.areOff) {
      this.#used = await this.#open({
        ...{ prefix: 'used', schema: used },
        onChange: (name, use) => {
          const end = name.indexOf('/')
          const [server, principal] = [name.slice(0, end), name.slice(end + 1)]
          const isOwn = server === this.#node
          quotas.learn(isOwn ? 'own' : server, { principal, ...use })
        },
      })
    }
    const tabs = await this.#open({ prefix: 'tabs', schema: tabsOfNode })
    this.#tabs = tabs
    // Tabs that were connected to the owner before may sign in as somebody else while they come here.
    this.#stop = node.ownership.onChange((workspace, owner) => {
      const last = tabs.get(workspace)
      if (owner?.node !== this.#node || last === undefined || last.node === this.#node) return
      announced.learn(last.tabs.map((each) => ({ workspace, ...each })))
    })
  }

  /** Has the nodes tell by the same subscriptions. Resolves once those that the cluster knows are here. Rejects as {@link follow}. */
  async followSubscriptions(outbox: Pick<Outbox, 'learn' | 'shareBy' | 'fold'>): Promise<void> {
    const { patience, logger } = this.#options
    let learned: Promise<unknown> = Promise.resolve()
    const table = await this.#open({
      ...{ prefix: 'subscribed', schema: subscribed },
      onChange: (id, { subscription }) => {
        const kept = outbox.learn(id, subscription ?? undefined).catch((err: unknown) => {
          logger.error({ err, subscription: id }, 'a subscription of another node could not be kept on the disk')
        })
        learned = Promise.all([learned, kept])
      },
    })
    this.#subscribed = table
    await learned
    // They were put while the directory was a single machine's.
    for (const [id, subscription] of outbox.fold.subscriptions) {
      if (table.get(id) === undefined) await patience.ask('the subscriptions', () => table.put(id, { subscription }))
    }
    outbox.shareBy((id, subscription) => table.put(id, { subscription: subscription ?? null }))
  }

  /** Hears nothing any more. */
  close(): void {
    this.#stop()
    for (const table of [this.#revoked, this.#used, this.#tabs, this.#subscribed]) table?.close()
  }

  #open<T>(options: SharedTableOptions<T>): Promise<SharedTable<T>> {
    const { engine, patience } = this.#options
    return patience.ask(`the values of ${options.prefix}`, () => SharedTable.open(engine.meta, options))
  }

  get #node(): string {
    return this.#options.node.nodes.self.node
  }
}
