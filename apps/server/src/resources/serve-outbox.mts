import { type Claim, type ClaimList, getBlock } from '@joinery/blocks'
import type { EventStore } from '@joinery/log'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import { Outbox, type OutboxOptions } from '@joinery/resources'
import { programPayer, ServerError, type Workspaces, type WorkspaceView } from '@joinery/server'
import type { Logger } from 'pino'

/** Statuses that one delivery tells at most. */
const STATUSES_MAX = 100
/** Properties of a status that a delivery tells: no details, and no words of people. */
const TOLD = ['machine', 'name', 'index_name', 'status', 'run', 'source', 'at', 'stalled'] as const

/** The parts of a server that outbound webhooks stand on. */
export interface OutboxPlace {
  readonly workspaces: Workspaces
  readonly store: Pick<EventStore, 'atomically'>
  readonly lists: readonly ClaimList[]
  /** Whether this is a node of a cluster. */
  readonly isShared: boolean
  readonly logger: Logger
}

/** Opens the outbound webhooks of a server. Rejects with the log's error. */
export function openServedOutbox(
  settings: Pick<OutboxOptions, 'subscriptions' | 'secrets' | 'egress'>,
  { workspaces, store, lists, isShared, logger }: OutboxPlace,
): Promise<Outbox> {
  return Outbox.open({
    ...settings,
    ...{ isShared, logger },
    openLog: (name, release) => workspaces.openSystemLog(name, release),
    atomically: (work) => store.atomically(work),
    workspaces: {
      listen: (listener) => workspaces.listen(listener),
      listenToFates: (listener) => workspaces.listenToFates(listener),
      tail: (workspace, { after, signal }) => workspaces.tail(nameOf(workspace), { after: after as never, signal }),
      position: (workspace) => workspaces.position(nameOf(workspace)),
      statusesOf: (workspace, blocks) => {
        const read = ({ doc }: WorkspaceView): object[] => {
          const all = blocks.flatMap((block) => lists.flatMap((list) => shownIn(getBlock(doc, block), block, list)))
          return all.slice(0, STATUSES_MAX)
        }
        return workspaces.read(nameOf(workspace), read, programPayer('webhooks', workspace))
      },
    },
  })
}

function shownIn(block: ReturnType<typeof getBlock>, id: string, list: ClaimList): object[] {
  if (list.part !== 'statuses' && list.part !== 'indexingList') return []
  return (block?.claims(list).entries() ?? []).map((claim: Claim) => {
    const shown = list.shownOf(claim) as Readonly<Record<string, unknown>>
    const told = TOLD.flatMap((name) => (shown[name] === undefined ? [] : [[name, shown[name]] as const]))
    return { block: id, ...Object.fromEntries(told) }
  })
}

function nameOf(workspace: string): WorkspaceId {
  const name = parseWorkspaceName(workspace)
  if (name === undefined) throw new ServerError('unknown_lsn', `${workspace} is no name of a workspace`)
  return name
}
