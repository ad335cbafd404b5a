import type { IncomingMessage } from 'node:http'
import { workspaceOfRequest } from '@joinery/api'
import { type ClusterNode, clusterIdentity, Gateway, openClusterNode, openNatsEngine } from '@joinery/cluster'
import type { EventStore } from '@joinery/log'
import type { Logger } from 'pino'
import { VERSION } from '../version.mts'
import { noteCluster } from './cluster-file.mts'
import type { ClusterConfig } from './cluster-setting.mts'
import { answerNodeAsks } from './node-asks.mts'

/** A server's part of a cluster. */
export interface ServedCluster {
  readonly node: ClusterNode
  readonly gateway: Gateway
  /** Name and version of the engine. */
  readonly engine: string
  /** Resolves with the reason when this process has to end: another one has its name. */
  readonly replaced: Promise<string>
  /** Says that this node gives its workspaces away, before the server closes its rooms. */
  drain(): Promise<void>
  /** Leaves the cluster, and closes the store. */
  close(): Promise<void>
}

export interface ServedClusterOptions {
  readonly config: ClusterConfig
  /** This node's own store. It is closed with the cluster, and stays open if this rejects. */
  readonly store: EventStore
  readonly directory: string
  readonly logger: Logger
}

/** Enters the cluster. Rejects with the errors of the engine and of the cluster, which say what to do. */
export async function openServedCluster(options: ServedClusterOptions): Promise<ServedCluster> {
  const { config, store, directory, logger } = options
  const { servers, node: name, advertise, copies, user, pass } = config
  const engine = await openNatsEngine({
    servers,
    name,
    replicas: copies,
    ...(user !== undefined && { connection: { user, ...(pass !== undefined && { pass }) } }),
  })
  const replaced = Promise.withResolvers<string>()
  try {
    const { id, secret } = await clusterIdentity(engine)
    await noteCluster(directory, id)
    const node = await openClusterNode({
      ...{ engine, store, node: name, advertise, version: VERSION },
      onReplaced: () => replaced.resolve(`another process has the name ${name} in the cluster: give one of them another`),
    })
    const gateway = new Gateway({ nodes: node.nodes, ownership: node.ownership, secret, workspaceOf })
    const unanswer = answerNodeAsks(engine, node, gateway)
    logger.info({ engine: engine.name, cluster: id, node: name, advertise, copies }, 'entered the cluster')
    return {
      ...{ node, gateway, engine: engine.name, replaced: replaced.promise },
      drain: async () => {
        // The engine may be away, and the rooms are closed all the same.
        await node.drain().catch((err: unknown) => logger.warn({ err }, 'the others could not be told of the drain'))
      },
      close: async () => {
        unanswer()
        gateway.close()
        await node.close()
      },
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}

function workspaceOf({ url = '' }: IncomingMessage) {
  return workspaceOfRequest(url)
}
