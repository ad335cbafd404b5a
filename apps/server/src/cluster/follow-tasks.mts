import type { ClusterNode } from '@joinery/cluster'
import { workspaceOfSystemLog } from '@joinery/log'
import type { Tasks } from '@joinery/tasks'
import type { Logger } from 'pino'

/** Pause between two looks at the nodes, ms. */
const LOOK_MS = 1_000
/** Journals of tasks: `!work/` and the workspace. */
const JOURNAL = '!work/'

export interface FollowTasksOptions {
  readonly node: Pick<ClusterNode, 'nodes' | 'ownership'>
  /** Names of all logs that the cluster has: this node's own copies may be behind. */
  readonly logs: () => Promise<string[]>
  readonly tasks: Pick<Tasks, 'list'>
  readonly logger: Logger
}

/**
 * Goes on with the tasks of workspaces that have no owner any more. Tasks follow their workspace: whichever node opens their journal
 * owns both. Nobody may ask for a workspace whose node has died, so the other nodes share its journals among them.
 */
export class FollowTasks {
  readonly #options: FollowTasksOptions
  #known = ''
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #looking: Promise<void> = Promise.resolve()

  constructor(options: FollowTasksOptions) {
    this.#options = options
    this.#lookLater()
  }

  async close(): Promise<void> {
    this.#isClosed = true
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
    const takers = await this.#takers()
    const known = takers.join()
    if (known === this.#known || this.#isClosed) return
    this.#known = (await this.#adoptAll(takers)) ? known : ''
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
    const { node, logs, tasks, logger } = this.#options
    const { session } = node.nodes.self
    let isDone = true
    for (const name of await logs()) {
      const workspace = name.startsWith(JOURNAL) ? workspaceOfSystemLog(name) : undefined
      if (workspace === undefined || this.#isClosed) continue
      const owner = node.ownership.ownerOf(workspace)
      if (owner !== undefined && takers.includes(owner.session)) continue
      if (takers[shareOf(workspace, takers.length)] !== session) continue
      try {
        await tasks.list(workspace, { limit: 1 })
        logger.info({ workspace, before: owner?.node }, 'the tasks of a workspace without an owner go on here')
      } catch (err) {
        isDone = false
        logger.info({ workspace, err }, 'the tasks of a workspace can’t be taken over yet')
      }
    }
    return isDone
  }
}

/** A number from 0 to `count` - 1 that every node finds for this workspace (FNV-1a). */
function shareOf(workspace: string, count: number): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(workspace)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash % count
}
