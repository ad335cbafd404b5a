import type { EventStore, LogObserver } from '@joinery/log'
import type { Server } from '@joinery/server'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { createStoreMetrics } from './store-metrics.mts'

/** What `/metrics` shows, in Prometheus' text format. */
export interface Metrics {
  readonly contentType: string
  /** To be given to the log when it is opened. */
  readonly observer: LogObserver
  /** Shows what the server counts itself, too: an edit on its way costs nothing for being counted twice. */
  watch(server: Server, store: EventStore): void
  render(): Promise<string>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    contentType: registry.contentType,
    observer: createStoreMetrics(registry),
    watch: (server, store) => watchServer(registry, server, store),
    render: () => registry.metrics(),
  }
}

function watchServer(registry: Registry, server: Server, store: EventStore): void {
  const counter = (name: string, help: string, read: () => number): void => {
    const metric = new Counter({
      name: `joinery_${name}_total`,
      help,
      registers: [registry],
      collect() {
        metric.reset()
        metric.inc(read())
      },
    })
  }
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric = new Gauge({
      name: `joinery_${name}`,
      help,
      registers: [registry],
      collect() {
        metric.set(read())
      },
    })
  }
  const byCode = (name: string, help: string, counts: ReadonlyMap<string, number>): void => {
    const metric = new Counter({
      name: `joinery_${name}_total`,
      help,
      labelNames: ['code'],
      registers: [registry],
      collect() {
        metric.reset()
        for (const [code, count] of counts) metric.inc({ code }, count)
      },
    })
  }
  const { counters } = server
  counter('connections_opened', 'Sockets taken', () => counters.connectionsOpened)
  counter('connections_closed', 'Those of them that are gone', () => counters.connectionsClosed)
  counter('rooms_opened', 'Rooms made for a workspace that somebody came to', () => counters.roomsOpened)
  counter('rooms_closed', 'Those of them that are gone', () => counters.roomsClosed)
  counter('records', 'Updates that brought something, as records of the log', () => counters.records)
  counter('deliveries', 'Updates sent to receivers', () => counters.deliveries)
  counter('conflicts', 'Conflicts told to clients', () => counters.conflicts)
  counter('prunings', 'Records that deleted what dead writers had left beaten', () => counters.prunings)
  counter('rebuilds', 'Documents rebuilt because an update had spoilt them', () => counters.rebuilds)
  counter('loads', 'Workspaces read from the log', () => counters.loads)
  counter('load_seconds', 'Time that took, together', () => counters.loadMs / 1_000)
  counter('warmings', 'Rooms that made a document of what they had as bytes', () => counters.warmings)
  counter('coolings', 'Rooms that gave their document back', () => counters.coolings)
  counter('dropped_records', 'Records that are no longer kept as history', () => counters.dropped)
  counter('snapshots_verified', 'Snapshots read back and loaded before records went', () => counters.snapshotsVerified)
  counter('snapshots_unusable', 'Snapshots that could not be loaded then', () => counters.snapshotsUnusable)
  counter('quarantines', 'Loads that found a workspace damaged', () => counters.quarantined)
  gauge('rooms', 'Workspaces that are open', () => server.load().rooms)
  gauge('rooms_live', 'Open workspaces that hold a document', () => server.load().live)
  gauge('rooms_cold', 'Open workspaces that are served from what is stored', () => server.load().cold)
  gauge(
    'quarantined_workspaces',
    'Open workspaces that are damaged, served for reading',
    () => server.load().quarantined,
  )
  gauge('connections', 'Sockets', () => server.load().connections)
  counter('holds', 'Times that a connection was not read from because storage was behind', () => counters.holds)
  gauge('held_connections', 'Sockets that are not read from, because storage is behind', () => server.load().held)
  gauge('backlog_bytes', 'Updates that are appended and not durable yet', () => server.load().backlogBytes)
  gauge('storage_writable', '1 while the log takes appends', () => (store.state.state === 'open' ? 1 : 0))
  byCode('refused_updates', 'Refused updates, by rejection code', counters.refused)
  byCode('refused_connections', 'Connections that were not let in, by error code', counters.refusedConnections)
}
