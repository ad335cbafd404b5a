import type { ClusterNode } from '@joinery/cluster'
import { kindOfSystemLog, workspaceOfSystemLog } from '@joinery/log'
import { OUTBOX_LOG, type Outbox } from '@joinery/resources'
import type { Tasks } from '@joinery/tasks'
import type { Logger } from 'pino'
import { ownedBy } from './node-asks.mts'

/** Pause between two looks at the nodes, ms. */
const LOOK_MS = 1_000
/** Kind of the journals of tasks. */
const TASKS_LOG = '!work'

export interface FollowTasksOptions {
  readonly node: Pick<ClusterNode, 'nodes' | 'ownership' | 'store'>
  /** Names of all logs that the cluster has: this node's own copies may be behind. */
  readonly logs: () => Promise<string[]>
  readonly tasks: Pick<Tasks, 'list'>
  /** Undefined without outbound webhooks. */
  readonly outbox: Pick<Outbox, 'adopt'> | undefined
  readonly logger: Logger
}

/**
 * Goes on with the tasks and the webhooks of workspaces that have no owner any more. They follow their workspace: whichever node opens
 * their journal owns both. Nobody may ask for a workspace whose node has died, so the other nodes share its journals among them.
 */
export class FollowTasks {
  readonly #options: FollowTasksOptions
  #known = ''
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  /** Whether all journals have to be looked at again, also if the same nodes take workspaces as before. */
  #isReviewing = false
  readonly #unlisten: () => void
  #looking: Promise<void> = Promise.resolve()

  constructor(options: FollowTasksOptions) {
    this.#options = options
    // Its journals were passed over while it was deleted.
    this.#unlisten = options.node.store.onUndelete(() => {
      this.#isReviewing = true
    })
    this.#lookLater()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#unlisten()
    clearTimeout(this.#timer)
    await this.#looking
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch((err: unknown) => this.#options.logger.warn({ err }, 'the tasks of other nodes could not be looked at'))
        .finally(() => {
          if (!this.#isClosed) this.#lookLater()
        })
    }, LOOK_MS)
  }

  /** Looks at all journals whenever other nodes take workspaces than at the last look. */
  async #look(): Promise<void> {
    await this.#tellOwned()
    const takers = await this.#takers()
    const known = takers.join()
    if ((known === this.#known && !this.#isReviewing) || this.#isClosed) return
    this.#isReviewing = false
    this.#known = (await this.#adoptAll(takers)) ? known : ''
  }

  /** Goes on with the webhooks of this node's workspaces: it may own one since somebody has asked for it. */
  async #tellOwned(): Promise<void> {
    const { node, outbox, logger } = this.#options
    if (outbox === undefined) return
    for (const workspace of ownedBy(node)) {
      if (this.#isClosed) return
      await outbox.adopt(workspace).catch((err: unknown) => {
        logger.info({ workspace, err }, 'the webhooks of a workspace can’t be taken over yet')
      })
    }
  }

  /** Runs of the nodes that live and take workspaces, in one order everywhere. */
  async #takers(): Promise<string[]> {
    const { nodes } = this.#options.node
    const sessions = nodes.list().map(async ({ node, session, isDraining }) => {
      if (isDraining) return undefined
      return session === nodes.self.session || (await nodes.serves(node, session)) ? session : undefined
    })
    return (await Promise.all(sessions)).filter((session) => session !== undefined).sort()
  }

  /** Opens this node's share of the journals that nobody has. Resolves with false if some could not be opened now. */
  async #adoptAll(takers: readonly string[]): Promise<boolean> {
    const { node, logs, logger } = this.#options
    const { session } = node.nodes.self
    const deleted = new Set(await Array.fromAsync(node.store.tombstones()))
    let isDone = true
    for (const name of await logs()) {
      const adopt = this.#adopterOf(kindOfSystemLog(name))
      const workspace = adopt === undefined ? undefined : workspaceOfSystemLog(name)
      if (adopt === undefined || workspace === undefined || deleted.has(workspace) || this.#isClosed) continue
      const owner = node.ownership.ownerOf(workspace)
      if (owner !== undefined && takers.includes(owner.session)) continue
      if (takers[shareOf(workspace, takers.length)] !== session) continue
      try {
        await adopt(workspace)
        logger.info({ workspace, before: owner?.node }, 'the work of a workspace without an owner goes on here')
      } catch (err) {
        isDone = false
        logger.info({ workspace, err }, 'the work of a workspace can’t be taken over yet')
      }
    }
    return isDone
  }

  #adopterOf(kind: string): ((workspace: string) => Promise<unknown>) | undefined {
    const { tasks, outbox } = this.#options
    if (kind === TASKS_LOG) return (workspace) => tasks.list(workspace, { limit: 1 })
    return kind === OUTBOX_LOG && outbox !== undefined ? (workspace) => outbox.adopt(workspace) : undefined
  }
}

/** A number from 0 to `count` - 1 that every node finds for this workspace (FNV-1a). */
function shareOf(workspace: string, count: number): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(workspace)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash % count
}
