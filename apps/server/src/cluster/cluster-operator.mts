import type { ClusterNode, Gateway, Owner } from '@joinery/cluster'
import { LogError, type LogErrorCode } from '@joinery/log'
import { CONTROL_PATH, line } from '../operations/control-line.mts'
import type { Compaction, Operator } from '../operations/operator.mts'

/** Time that the owner of a workspace has to answer an operator, ms. */
const ANSWER_MS = 60_000
/** Codes of errors which say that another node owns the workspace. */
const ELSEWHERE: ReadonlySet<unknown> = new Set(['not_owner', 'fenced'])

const NO_IMPORT =
  'a node of a cluster takes no archive: restore it into a new directory and start the first node of a new cluster there, or write what is missing over HTTP'
const NO_REPAIR =
  'a node’s copy is not repaired on its own, since the cluster has the history: stop this node, put its directory aside, and start it on an empty one, which it fills from the engine'

export interface ClusterOperatorOptions {
  /** Reads this node's copies. */
  readonly copies: Operator
  /** Does what the owner of a workspace may do, and rejects with `not_owner` where that is another node. */
  readonly served: Operator
  readonly node: Pick<ClusterNode, 'nodes' | 'ownership'>
  readonly gateway: Pick<Gateway, 'ask'>
}

/**
 * Operator at a node of a cluster. A command that only reads reads this node's own copies. A command about one workspace is carried out by the
 * node that owns it, whichever node was asked. A command that would write a copy behind the cluster's back is refused, with the way to go
 * instead.
 */
export function clusterOperator({ copies, served, node, gateway }: ClusterOperatorOptions): Operator {
  const { ownership, nodes } = node
  const ownerElsewhere = async (workspace: string): Promise<Owner | undefined> => {
    const owner = (await ownership.askForOwner(workspace)) ?? ownership.ownerOf(workspace)
    return owner?.session === nodes.self.session ? undefined : owner
  }
  const askOwner = async (workspace: string, what: string, body: object): Promise<unknown> => {
    const owner = await ownerElsewhere(workspace)
    if (owner === undefined) throw new LogError('not_owner', `workspace ${workspace} moves: run the command again`)
    const signal = AbortSignal.timeout(ANSWER_MS)
    const target = `${CONTROL_PATH}${what}`
    const answer = await gateway
      .ask(owner, undefined, { method: 'POST', target, body, signal })
      .catch((cause: unknown) => {
        const message = `node ${owner.node}, which owns workspace ${workspace}, does not answer at ${owner.address}: run the command again in some seconds`
        throw new LogError('not_owner', message, { cause })
      })
    return resultIn(answer.body)
  }
  /** Does it here, or has the owner do it. */
  const atOwner = async <T,>(workspace: string, what: string, body: object, here: () => Promise<T>): Promise<T> => {
    try {
      return await here()
    } catch (error) {
      if (!(error instanceof LogError) || !ELSEWHERE.has(error.code)) throw error
      // The answer is that of the same version of the same program, or a part of it that a newer one has, too.
      return (await askOwner(workspace, what, body)) as T
    }
  }
  return {
    ...served,
    verify: copies.verify,
    inspect: copies.inspect,
    history: copies.history,
    archive: copies.archive,
    import: () => Promise.reject(new LogError('invalid', NO_IMPORT)),
    repair: (workspace, isMeant, watched) =>
      isMeant ? Promise.reject(new LogError('invalid', NO_REPAIR)) : copies.repair(workspace, isMeant, watched),
    remove: (removal, workspace) => {
      return atOwner(workspace, 'remove', { removal, workspace }, () => served.remove(removal, workspace))
    },
    leases: (workspace) => atOwner(workspace, 'leases', { workspace }, () => served.leases(workspace)),
    releaseLease: (workspace, name) => {
      return atOwner(workspace, 'releaseLease', { workspace, name }, () => served.releaseLease(workspace, name))
    },
    tasks: (workspace) => atOwner(workspace, 'tasks', { workspace }, () => served.tasks(workspace)),
    task: (workspace, task) => atOwner(workspace, 'task', { workspace, task }, () => served.task(workspace, task)),
    askTask: (workspace, task, ask) => {
      return atOwner(workspace, 'askTask', { workspace, task, ask }, () => served.askTask(workspace, task, ask))
    },
    resumeTasks: (workspace) => {
      return atOwner(workspace, 'resumeTasks', { workspace }, () => served.resumeTasks(workspace))
    },
    compact: async (keepHistory, workspace, watched) => {
      const compactions = await served.compact(keepHistory, workspace, watched)
      const compacted: Compaction[] = []
      for (const each of compactions) {
        const isElsewhere = each.error !== undefined && (await ownerElsewhere(each.workspace)) !== undefined
        if (!isElsewhere) compacted.push(each)
        else {
          const body = { keepHistory, workspace: each.workspace }
          compacted.push(...((await askOwner(each.workspace, 'compact', body)) as Compaction[]))
        }
      }
      return compacted
    },
  }
}

/** The result of an answer of a control door. Throws its error. */
function resultIn(body: string): unknown {
  for (const text of body.split('\n')) {
    if (text === '') continue
    const said = line.parse(JSON.parse(text))
    if ('error' in said) throw new LogError(said.error.code as LogErrorCode, said.error.message)
    if ('result' in said) return said.result
  }
  throw new LogError('closed', 'the owner of the workspace broke off its answer: run the command again')
}
