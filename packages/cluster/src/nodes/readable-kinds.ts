import { LogError } from '@joinery/log'
import type { LaterKind } from '../history/message.ts'
import type { Nodes } from './nodes.ts'

/** The verb, for people, of the deed that writes messages of each kind. */
const DEEDS: Readonly<Record<LaterKind, string>> = { purging: 'purged', purge: 'purged' }

/**
 * Throws `unsupported`, with the node and what to do, if a living node does not say that it reads messages of this kind: an owner writes
 * no such message then. A node that is away is not asked: if it reads less, it takes that log neither as its owner nor as a follower
 * once it is back, and keeps what it has until it has the newer version (Q8).
 */
export function assertReadable(nodes: Pick<Nodes, 'list'>, workspace: string, kind: LaterKind): void {
  const behind = nodes.list().filter(({ kinds = [] }) => !kinds.includes(kind))
  if (behind.length === 0) return
  const names = behind.map(({ node, version }) => (version === '' ? node : `${node} (version ${version})`)).join(', ')
  const message =
    `workspace ${workspace} can't be ${DEEDS[kind]} yet: ${behind.length === 1 ? 'node' : 'nodes'} ${names} could not read that. Bring ` +
    'every node of the cluster to this version, or stop it, and try again'
  throw new LogError('unsupported', message, { workspace })
}
