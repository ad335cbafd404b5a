import type { ReplicatedStore } from '@joinery/cluster'
import type { TaskEngine } from '@joinery/tasks'

/** The parts of a server that keep something of workspaces on this node alone. */
interface Keepers {
  readonly tasks: Pick<TaskEngine, 'willForget' | 'forget'>
  readonly others: readonly ({ forget(workspace: string): Promise<unknown> } | undefined)[]
}

/**
 * Has this node forget a workspace that another node has purged, before its copy of the log is discarded. Files are none of it: all nodes
 * have them together, and the node that purges removes them before the name is free.
 */
export function forgetPurged(store: Pick<ReplicatedStore, 'onPurge'>, { tasks, others }: Keepers): void {
  store.onPurge(async (workspace) => {
    await tasks.willForget(workspace)
    for (const keeper of others) await keeper?.forget(workspace)
    await tasks.forget(workspace)
  })
}
