import { blocksWithTouchedStatuses } from '@joinery/blocks'
import { OutsideReads } from '@joinery/resources'
import type { Workspaces } from '@joinery/server'
import { openAdapters } from './resource-worker.mts'
import type { ResourcesFile } from './resources-file.mts'

/** The looks of a server at the services of its adapters. */
export interface ServedOutside {
  readonly reads: OutsideReads
  close(): Promise<void>
}

/**
 * Has the adapters asked that have the field `cache`. An answer is forgotten with the next record that touches the statuses of its block: the end of
 * a step, of an event's handling, or a person's run. Undefined if no adapter has the field.
 */
export function openServedOutside(
  file: ResourcesFile | undefined,
  workspaces: Pick<Workspaces, 'listen'>,
): ServedOutside | undefined {
  if (file === undefined) return undefined
  const adapters = new Map([...openAdapters(file, undefined)].filter(([, { cache }]) => cache !== undefined))
  if (adapters.size === 0) return undefined
  const reads = new OutsideReads({ adapters, secrets: file.secrets })
  const unlisten = workspaces.listen((workspace, { touched }) => {
    for (const block of blocksWithTouchedStatuses(touched)) reads.forget(workspace, block)
  })
  return {
    reads,
    close: async () => {
      unlisten()
      await reads.close()
    },
  }
}
