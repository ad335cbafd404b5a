import { machineListOf } from '@joinery/api'
import { blocksWithTouchedStatuses, type ClaimList, getBlock, isReservedSource } from '@joinery/blocks'
import type { Inbox } from '@joinery/resources'
import type { Workspaces } from '@joinery/server'

export interface LearnIdsOptions {
  readonly inbox: Pick<Inbox, 'learn'>
  readonly workspaces: Pick<Workspaces, 'listen'>
  readonly lists: readonly ClaimList[]
  /** Machines of which services send events. */
  readonly machines: ReadonlySet<string>
}

/**
 * Has the inbox note the ids that services have given to resources, each in the turn of the record that tells it. People may write any id
 * into a run, so only what the server itself has written counts. Returns unsubscribe.
 */
export function learnIds({ inbox, workspaces, lists, machines }: LearnIdsOptions): () => void {
  const list = machineListOf(lists)
  const known = [...machines].flatMap((name) => list?.rules.machines.get(name) ?? [])
  if (list === undefined || known.length === 0) return () => undefined
  return workspaces.listen((workspace, record, _durable, { doc }) => {
    if (!isReservedSource(record.source)) return
    for (const id of blocksWithTouchedStatuses(record.touched)) {
      const claims = getBlock(doc, id)?.claims(list)
      if (claims === undefined) continue
      for (const machine of known) {
        for (const { name, source, detail } of claims.of(machine).entries()) {
          const told = detail?.id
          if (typeof told !== 'string' || !isReservedSource(source)) continue
          inbox.learn({ workspace, block: id, machine: machine.name, name }, told)
        }
      }
    }
  })
}
