import type { ClusterNode, Gateway } from '@joinery/cluster'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { ServedFiles } from '../files/served-files.mts'
import type { ClusterWork } from './cluster-work.mts'
import { ownedBy } from './node-asks.mts'

/** The parts of a node that are counted. */
export interface CountedCluster {
  readonly node: Pick<ClusterNode, 'nodes' | 'ownership' | 'store'>
  readonly gateway: Pick<Gateway, 'counts'>
  readonly work: Pick<ClusterWork, 'counts'>
  readonly files: Pick<ServedFiles, 'copies'>
}

/** Adds the numbers of a cluster's node, which are read when the metrics are rendered. */
export function watchCluster(registry: Registry, { node, gateway, work, files }: CountedCluster): void {
  const { nodes } = node
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric = new Gauge({
      name: `joinery_cluster_${name}`,
      help,
      registers: [registry],
      collect() {
        metric.set(read())
      },
    })
  }
  const counter = (name: string, help: string, read: () => number): void => {
    const metric = new Counter({
      name: `joinery_cluster_${name}_total`,
      help,
      registers: [registry],
      collect() {
        metric.reset()
        metric.inc(read())
      },
    })
  }
  gauge('nodes', 'Nodes with a living entry, this one included', () => nodes.list().length)
  gauge('draining', '1 while this node gives its workspaces away, otherwise 0', () => Number(nodes.self.isDraining))
  gauge('engine_up', '1 while the engine takes this node’s writes, otherwise 0', () =>
    nodes.trouble === undefined ? 1 : 0,
  )
  gauge('owned_workspaces', 'Workspaces that this node owns', () => ownedBy(node).length)
  gauge('open_pipes', 'Sockets and requests that are passed on to other nodes now', () => gateway.counts.openPipes)
  gauge('publisher_lag_seconds', 'Time for which the oldest record of all waits for its quorum, seconds', () => {
    let waitsMs = 0
    for (const log of node.store.owned.values()) waitsMs = Math.max(waitsMs, log.replication.waitsMs)
    return waitsMs / 1_000
  })
  const { counts } = node.store
  counter('takeovers', 'Histories that this node has taken over', () => counts.takeovers)
  counter('fenced', 'Logs that another node has taken from this one', () => counts.fenced)
  counter(
    'regressions',
    'Takeovers that found an engine which had lost what it had acknowledged',
    () => counts.regressions,
  )
  counter('followed', 'Messages of other nodes that this node has copied', () => counts.followed)
  counter('pipes', 'Sockets that were passed on to other nodes', () => gateway.counts.pipes)
  counter('passed_requests', 'Requests that were passed on to other nodes', () => gateway.counts.requests)
  counter('passed_bytes', 'Bytes that were passed on, in both directions', () => gateway.counts.bytes)
  counter('asked_steps', 'Questions to other nodes for steps of tasks, for workers that ask this node', () => {
    return work.counts.asked
  })
  counter('brought_steps', 'Steps of other nodes that this node has given to workers', () => work.counts.brought)
  if (files.copies !== undefined) {
    gauge('files_without_copy', 'Files on this disk of which no other node has a copy yet', () => {
      return files.copies?.waiting ?? 0
    })
    counter('kept_files', 'Files on this disk of which another node was found to have a copy', () => {
      return files.copies?.copied ?? 0
    })
  }
  counter(
    'cut_pipes',
    'Sockets and requests that were cut, since their workspace has another owner or theirs did not answer',
    () => gateway.counts.cuts,
  )
}
