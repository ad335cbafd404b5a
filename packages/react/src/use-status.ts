import type { Block, Machine, MachineClaim } from '@joinery/blocks'
import { followBlock } from '@joinery/client'
import { useCallback, useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

const NO_STATUSES: readonly never[] = Object.freeze([])

/**
 * The status of resource `name` of block `id`; undefined when there is none, and when the server has another table under the
 * machine's name. `machine` is a machine, or a name such as `file@1`. Statuses of other resources do not render it.
 */
export function useStatus<Status extends string, Source extends string>(
  id: string,
  machine: Machine<Status, Source>,
  name: string,
): MachineClaim<Status, Source> | undefined
export function useStatus(id: string, machine: string, name: string): MachineClaim | undefined
export function useStatus(id: string, machine: Machine | string, name: string): MachineClaim | undefined {
  return useStatusesPart(id, (block) => block?.statuses(machine as Machine).get(name))
}

/** The statuses of one machine in block `id`, sorted by name. Written with `useBlock(id)?.statuses(machine)`. */
export function useStatuses<Status extends string, Source extends string>(
  id: string,
  machine: Machine<Status, Source>,
): readonly MachineClaim<Status, Source>[]
export function useStatuses(id: string, machine: string): readonly MachineClaim[]
export function useStatuses(id: string, machine: Machine | string): readonly MachineClaim[] {
  return useStatusesPart(id, (block) => block?.statuses(machine as Machine).entries() ?? NO_STATUSES)
}

/**
 * The statuses of block `id` whose machines this application does not have, or has with another table than the server: as they
 * stand, in no order of rank. To be shown so that nobody takes a resource for missing.
 */
export function useRawStatuses(id: string): readonly Readonly<Record<string, unknown>>[] {
  return useStatusesPart(id, (block) => block?.rawStatuses() ?? NO_STATUSES)
}

/** As `useBlockPart` of the statuses. The server's greeting, too, may change which of them show. */
function useStatusesPart<T>(id: string, read: (block: Block | undefined) => T): T {
  const workspace = useWorkspace()
  const subscribe = useCallback(
    (listener: () => void) => {
      const ends = [followBlock(workspace, id, 'statuses', listener), workspace.server.subscribe(listener)]
      return () => {
        for (const end of ends) end()
      }
    },
    [workspace, id],
  )
  const get = (): T => read(workspace.blocks.get(id))
  return useSyncExternalStore(subscribe, get, get)
}
