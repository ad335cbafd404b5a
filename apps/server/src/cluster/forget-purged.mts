import type { ReplicatedStore } from '@joinery/cluster'
import type { TaskEngine } from '@joinery/tasks'

interface Keeper {
  forget(workspace: string): Promise<unknown>
}

/** The parts of a server that keep something of workspaces on this node alone; undefined where a server has none. */
interface Keepers {
  readonly tasks: Pick<TaskEngine, 'willForget' | 'forget'>
  readonly inbox: Keeper | undefined
  readonly outbox: Keeper | undefined
  readonly search: Keeper
}

/**
 * Has this node forget a workspace that another node has purged, before its copy of the log is discarded. The copies of files that this
 * node has are removed by `FileKeepers`, which hear of the purge themselves.
 */
export function forgetPurged(store: Pick<ReplicatedStore, 'onPurge'>, keepers: Keepers): void {
  const { tasks, inbox, outbox, search } = keepers
  store.onPurge(async (workspace) => {
    await tasks.willForget(workspace)
    for (const keeper of [outbox, inbox, search]) await keeper?.forget(workspace)
    await tasks.forget(workspace)
  })
}
