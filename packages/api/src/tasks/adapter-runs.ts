import {
  blocksWithTouchedStatuses,
  type ClaimList,
  getBlock,
  isReservedSource,
  type MachineClaim,
} from '@joinery/blocks'
import type { Workspaces } from '@joinery/server'
import type { Tasks } from '@joinery/tasks'
import { machineListOf } from '../machine-list.ts'

export interface AdapterRunsOptions {
  readonly workspaces: Workspaces
  readonly tasks: Tasks
  /** The lists of claims that blocks have. */
  readonly lists: readonly ClaimList[]
  /** Names of the machines that have an adapter. */
  readonly adapters: readonly string[]
}

/**
 * Starts the task of an adapter when somebody starts a run of its machine, in the turn of the record: both are there after a crash, or
 * none. The key of the request has the number of the run, so that tabs which start a run at the same time ask for one task. Returns
 * unsubscribe.
 */
export function listenForRuns({ workspaces, tasks, lists, adapters }: AdapterRunsOptions): () => void {
  const list = machineListOf(lists)
  if (list === undefined || adapters.length === 0) return () => undefined
  return workspaces.listen((workspace, record, _durable, place) => {
    for (const id of blocksWithTouchedStatuses(record.touched)) {
      const block = getBlock(place.doc, id)
      if (block === undefined) continue
      for (const machine of adapters) {
        const known = list.rules.machines.get(machine)
        if (known === undefined) continue
        for (const claim of block.claims(list).of(known).entries()) {
          if (!isRequest(claim, known.table.starts[0])) continue
          const { name, run, detail = {}, actor, source } = claim
          tasks.ask(workspace, record, {
            saga: machine,
            input: { block: block.id, name, run: { ...run }, detail },
            key: `claim:${place.generation ?? ''}/${block.id}/${machine}/${name}/${run.no}`,
            by: { actor, source },
          })
        }
      }
    }
  })
}

/** Whether a person or a job has started the run, and nobody has reported on it yet. */
function isRequest({ source, status, run, task }: MachineClaim, first: string | undefined): boolean {
  return status === first && task === undefined && !isReservedSource(source) && !isReservedSource(run.source)
}
