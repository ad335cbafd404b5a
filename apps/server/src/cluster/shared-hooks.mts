import type { ClusterNode, Engine } from '@joinery/cluster'
import { HookTurns, type Inbox, type InboxOptions } from '@joinery/resources'
import type { Logger } from 'pino'
import { type HookWork, OwnerHooks } from './owner-hooks.mts'
import { SharedIds } from './shared-ids.mts'

/** The parts by which an inbox works over all nodes. */
export type SharedInboxParts = Pick<Required<InboxOptions>, 'tasks' | 'hasWorkspace' | 'placeElsewhere' | 'onLearned'>

export interface SharedHooksOptions {
  readonly engine: Pick<Engine, 'bus'>
  readonly node: Pick<ClusterNode, 'nodes' | 'ownership'>
  readonly logger: Pick<Logger, 'info'>
}

/**
 * The webhook inboxes of all nodes. A node that takes an event keeps it on its own disk, and sees to it until it is handled. The work is done
 * by the node that owns the event's workspace.
 */
export class SharedHooks {
  readonly #options: SharedHooksOptions
  readonly #ids: SharedIds
  #owners: OwnerHooks | undefined

  constructor(options: SharedHooksOptions) {
    this.#options = options
    const { engine, node, logger } = options
    this.#ids = new SharedIds({ engine, nodes: node.nodes, logger })
  }

  /** Parts for this node's inbox. `own` does the work of the workspaces that this node owns. */
  partsFor({ tasks, hasWorkspace }: HookWork): SharedInboxParts {
    const { engine, node } = this.#options
    const turns = new HookTurns(tasks)
    const { find, untilChanged } = tasks
    const own: HookWork = {
      tasks: { start: turns.start, find: find.bind(tasks), untilChanged: untilChanged.bind(tasks) },
      hasWorkspace,
    }
    this.#owners = new OwnerHooks({ engine, node, own })
    const { placeElsewhere, tell } = this.#ids
    return { tasks: this.#owners.tasks, hasWorkspace: this.#owners.hasWorkspace, placeElsewhere, onLearned: tell }
  }

  /** Has the other nodes know what this node's inbox knows. */
  share(inbox: Inbox): void {
    this.#ids.share(inbox)
  }

  /** Answers nobody any more. */
  close(): void {
    this.#owners?.close()
    this.#ids.close()
  }
}
