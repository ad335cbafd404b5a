import { machineListOf } from '@joinery/api'
import { blocksWithTouchedStatuses, type ClaimList, getBlock, isReservedSource, listBlocks } from '@joinery/blocks'
import type { WorkspaceId } from '@joinery/protocol'
import type { Inbox } from '@joinery/resources'
import { programPayer, type Workspaces, type WorkspaceView } from '@joinery/server'

export interface LearnIdsOptions {
  readonly inbox: Pick<Inbox, 'learn'>
  readonly workspaces: Pick<Workspaces, 'listen' | 'read'>
  readonly lists: readonly ClaimList[]
  /** Machines of which services send events. */
  readonly machines: ReadonlySet<string>
  /** Tells of workspaces that another node has owned before. */
  readonly onTaken?: ((learn: (workspace: string) => Promise<void>) => () => void) | undefined
}

/**
 * Has the inbox note the ids that services have given to resources, each in the turn of the record that tells it. People may write any id
 * into a run, so only what the server itself has written counts. Of a workspace that another node has owned, all ids that it shows are
 * noted: the other node may be gone, and with it what it knew. Returns unsubscribe.
 */
export function learnIds({ inbox, workspaces, lists, machines, onTaken }: LearnIdsOptions): () => void {
  const list = machineListOf(lists)
  const known = [...machines].flatMap((name) => list?.rules.machines.get(name) ?? [])
  if (list === undefined || known.length === 0) return () => undefined
  const note = (workspace: string, doc: WorkspaceView['doc'], blocks: Iterable<string>): void => {
    for (const id of blocks) {
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
  }
  const ends = [
    workspaces.listen((workspace, record, _durable, { doc }) => {
      if (isReservedSource(record.source)) note(workspace, doc, blocksWithTouchedStatuses(record.touched))
    }),
    onTaken?.((workspace) =>
      workspaces.read(
        workspace as WorkspaceId,
        ({ doc }) => note(workspace, doc, new Set(listBlocks(doc).map(({ id }) => id))),
        programPayer('webhooks', workspace),
      ),
    ),
  ]
  return () => {
    for (const end of ends) end?.()
  }
}
