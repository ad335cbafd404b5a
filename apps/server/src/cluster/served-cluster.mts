import { createHmac } from 'node:crypto'
import { workspaceOfRequest } from '@joinery/api'
import {
  type ClusterNode,
  clusterIdentity,
  Gateway,
  nameOfEngineName,
  openClusterNode,
  openNatsEngine,
  Patience,
} from '@joinery/cluster'
import type { AdoptingStore } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { TaskEngine } from '@joinery/tasks'
import type { Logger } from 'pino'
import { VERSION } from '../version.mts'
import { ownWorkerToken } from '../work/own-worker.mts'
import { noteCluster, readCluster } from './cluster-file.mts'
import type { ClusterConfig } from './cluster-setting.mts'
import { ClusterWork } from './cluster-work.mts'
import { answerNodeAsks, ownedBy } from './node-asks.mts'
import { type SharedFiles, shareFiles } from './shared-files.mts'
import { SharedHooks } from './shared-hooks.mts'
import { SharedState } from './shared-state.mts'
import { WorkspaceHashes } from './workspace-hashes.mts'

/** Time for which an engine that does not answer is asked again at the start, ms: NATS may take 9 s to choose a leader. */
const PATIENCE_MS = 30_000

/** A server's part of a cluster. */
export interface ServedCluster {
  readonly node: ClusterNode
  readonly gateway: Gateway
  /** State that holds for all nodes beside the workspaces. */
  readonly shared: SharedState
  readonly files: SharedFiles
  readonly hooks: SharedHooks
  /** Token of the nodes' own workers: a step that one node has given out may end at another. */
  readonly workerToken: string
  /** Finds a workspace by the hash that tokens of steps say. */
  readonly workspaceOfHash: (hash: string) => WorkspaceId | undefined
  /** Shares the steps of this node with the workers of all nodes. It ends with the cluster. */
  shareWork(offers: TaskEngine['offers'], ownSagas: readonly string[]): ClusterWork
  /** Name and version of the engine. */
  readonly engine: string
  /** Resolves with the reason when this process has to end: another one has its name. */
  readonly replaced: Promise<string>
  /** Names of all logs that the cluster has. */
  logs(): Promise<string[]>
  /** Says that this node gives its workspaces away, before the server closes its rooms. */
  drain(): Promise<void>
  /** Sets how this node's workspaces are released one by one, for an operator who wants them elsewhere. */
  releaseBy(release: (workspace: string) => Promise<void>): void
  /** Ends what this node passes on, which its server would wait for. Idempotent. */
  stopPassing(): void
  /** Leaves the cluster, and closes the store. */
  close(): Promise<void>
}

/** Warnings about an engine that may be less safe than it looks. */
const UNCHECKED =
  'nobody has checked that NATS syncs its disk at every message (sync_interval: always): name the monitoring ports of its servers with --monitors, or a power cut may lose edits that were called saved'
const ALONE =
  'NATS has one copy of each edit, on one server: name three servers with --cluster, so that saved edits survive the loss of one'

export interface ServedClusterOptions {
  readonly config: ClusterConfig
  /** This node's own store. It is closed with the cluster, and stays open if this rejects. */
  readonly store: AdoptingStore
  readonly directory: string
  /** Whether an edit is acknowledged only when the cluster has it. */
  readonly isReplicated: boolean
  readonly logger: Logger
}

/** Enters the cluster. Rejects with the errors of the engine and of the cluster, which say what to do. */
export async function openServedCluster(options: ServedClusterOptions): Promise<ServedCluster> {
  const { config, store, directory, isReplicated, logger } = options
  const { servers, node: name, advertise, copies, monitors, user, pass } = config
  const patience = new Patience({ waitMs: PATIENCE_MS, logger })
  const engine = await openNatsEngine({
    ...{ servers, patience },
    name,
    replicas: copies,
    monitors,
    ...(user !== undefined && { connection: { user, ...(pass !== undefined && { pass }) } }),
  })
  const replaced = Promise.withResolvers<string>()
  try {
    const known = await readCluster(directory)
    const identity = await patience.ask('the name of the cluster', () => clusterIdentity(engine, known))
    const { id, secret } = identity
    await noteCluster(directory, id)
    const node = await openClusterNode({
      ...{ engine, store, node: name, advertise, version: VERSION, logger, patience, awaitsReplication: isReplicated },
      // A node that was away reads of a purge at once.
      holdsPurged: true,
      // Tasks are those of the cluster, whichever node goes on with them.
      copy: id,
      identity,
      onReplaced: () =>
        replaced.resolve(`another process has the name ${name} in the cluster: give one of them another`),
    })
    const hashes = new WorkspaceHashes(node.ownership)
    const gateway = new Gateway({
      ...{ nodes: node.nodes, ownership: node.ownership, secret },
      workspaceOf: ({ url = '' }) => workspaceOfRequest(url, (hash) => hashes.find(hash)),
    })
    let work: ClusterWork | undefined
    const shared = new SharedState({ engine, node, patience, logger })
    const hooks = new SharedHooks({ engine, node, logger })
    let release: (workspace: string) => Promise<void> = async () => undefined
    // The engine may be away, and the rooms are closed all the same.
    const drain = async (): Promise<void> => {
      await node.drain().catch((err: unknown) => logger.warn({ err }, 'the others could not be told of the drain'))
      await gateway.letGo()
    }
    const giveAway = async (): Promise<void> => {
      await drain()
      const owned = ownedBy(node)
      logger.info({ workspaces: owned.length }, 'giving all workspaces to the other nodes')
      await Promise.all(owned.map((workspace) => release(workspace)))
    }
    const unanswer = answerNodeAsks(engine, node, {
      gateway,
      drain: () =>
        void giveAway().catch((err: unknown) => logger.error({ err }, 'a workspace could not be given away')),
    })
    logger.info({ engine: engine.name, cluster: id, node: name, advertise, copies }, 'entered the cluster')
    if (monitors.length === 0) logger.warn(UNCHECKED)
    if (copies === 1) logger.warn(ALONE)
    return {
      ...{ node, gateway, shared, hooks, engine: engine.name, replaced: replaced.promise },
      workerToken: ownWorkerToken(createHmac('sha256', secret).update('workers').digest()),
      workspaceOfHash: (hash) => hashes.find(hash),
      shareWork: (offers, ownSagas) => {
        const { nodes } = node
        work = new ClusterWork({ engine, nodes, gateway, offers, ownSagas, onBrought: hashes.note, logger })
        return work
      },
      files: shareFiles(engine, node, secret, logger),
      logs: async () => (await engine.log.subjects()).map(nameOfEngineName),
      drain,
      stopPassing: () => gateway.close(),
      releaseBy: (by) => {
        release = by
      },
      close: async () => {
        unanswer()
        work?.close()
        shared.close()
        hooks.close()
        hashes.close()
        gateway.close()
        await node.close()
      },
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}
