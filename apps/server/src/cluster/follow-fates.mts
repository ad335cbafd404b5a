import type { ReplicatedStore } from '@joinery/cluster'
import type { TaskEngine } from '@joinery/tasks'

interface Keeper {
  forget(workspace: string): Promise<unknown>
}

/** The parts of a server that keep something of workspaces on this node alone; undefined where a server has none. */
interface Keepers {
  readonly tasks: Pick<TaskEngine, 'willForget' | 'forget' | 'unsuspend'>
  readonly inbox: Keeper | undefined
  readonly outbox: Keeper | undefined
  readonly search: Keeper
}

/**
 * Has the parts of this node follow the fates that other nodes give to deleted workspaces. One that was purged is forgotten by all parts
 * that keep something of it on this node alone, before the copy of its log is discarded; the copies of files are removed by
 * `FileKeepers`, which hear of the purge themselves. The tasks of one that was undeleted go on when this node has its journal.
 */
export function followFates(store: Pick<ReplicatedStore, 'onPurge' | 'onUndelete'>, keepers: Keepers): void {
  const { tasks, inbox, outbox, search } = keepers
  store.onPurge(async (workspace) => {
    await tasks.willForget(workspace)
    for (const keeper of [outbox, inbox, search]) await keeper?.forget(workspace)
    await tasks.forget(workspace)
  })
  store.onUndelete((workspace) => tasks.unsuspend(workspace))
}
