import { OutsideReads } from '@joinery/resources'
import type { Workspaces } from '@joinery/server'
import { openAdapters } from './resource-worker.mts'
import type { ResourcesFile } from './resources-file.mts'

/** The looks of a server at the services of its adapters. */
export interface ServedOutside {
  readonly reads: OutsideReads
  close(): Promise<void>
}

/** Paths of records that touch the statuses of a block end so. */
const STATUSES = '/statuses'

/**
 * Opens the adapters that have the field `cache`. An answer is forgotten with the next record that touches the statuses of its block: the end of
 * a step, of an event's handling, or a person's run. Undefined if no adapter has the field.
 */
export function openServedOutside(
  file: ResourcesFile | undefined,
  workspaces: Pick<Workspaces, 'listen'>,
): ServedOutside | undefined {
  const read = file?.config.adapters.filter(
    ({ config }) => (config as { readonly cache?: unknown }).cache !== undefined,
  )
  if (file === undefined || read === undefined || read.length === 0) return undefined
  const adapters = openAdapters({ ...file, config: { ...file.config, adapters: read } }, undefined)
  const reads = new OutsideReads({ adapters, secrets: file.secrets })
  const unlisten = workspaces.listen((workspace, { touched }) => {
    for (const path of touched) {
      if (path.endsWith(STATUSES)) reads.forget(workspace, path.slice(0, -STATUSES.length))
    }
  })
  return {
    reads,
    close: async () => {
      unlisten()
      await reads.close()
    },
  }
}
