import type { ClusterNode, Engine, Owner } from '@joinery/cluster'
import { HookTurns, type Inbox, type InboxOptions, type OwnerTasks } from '@joinery/resources'
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
  partsFor({ tasks, hasWorkspace }: HookWork & { readonly tasks: OwnerTasks }): SharedInboxParts {
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

  /**
   * Calls `learn` with each workspace that this node owns now, and that another one may have owned before: one after the other, since a node
   * may take many at once. Returns unsubscribe.
   */
  readonly onTaken = (learn: (workspace: string) => Promise<void>): (() => void) => {
    const { node, logger } = this.#options
    const { session } = node.nodes.self
    /** Workspaces that no other node has owned since this one has learned their ids. */
    const learned = new Set<string>()
    let isOver = false
    let queue = Promise.resolve()
    const learnNext = async (workspace: string): Promise<void> => {
      if (isOver || !learned.has(workspace)) return
      await learn(workspace).catch((err: unknown) => {
        learned.delete(workspace)
        logger.info({ workspace, err }, 'the ids of resources of a workspace are learned when it is next taken over')
      })
    }
    const note = (workspace: string, owner: Owner | undefined): void => {
      if (owner === undefined) return
      if (owner.session !== session) return void learned.delete(workspace)
      if (learned.has(workspace)) return
      learned.add(workspace)
      queue = queue.then(() => learnNext(workspace))
    }
    // Open tasks have taken some already.
    for (const [workspace, owner] of node.ownership.owners()) note(workspace, owner)
    const unlisten = node.ownership.onChange(note)
    return () => {
      isOver = true
      unlisten()
    }
  }

  /** Answers nobody any more. */
  close(): void {
    this.#owners?.close()
    this.#ids.close()
  }
}
