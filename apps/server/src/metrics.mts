import type { Api } from '@joinery/api'
import type { EventStore, LogObserver } from '@joinery/log'
import type { Revocations, Server, SignedHeads } from '@joinery/server'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type CountedCluster, watchCluster } from './cluster/cluster-metrics.mts'
import { watchFiles } from './files/file-metrics.mts'
import type { ServedFiles } from './files/served-files.mts'
import { type CountedHooks, watchHooks } from './resources/hook-metrics.mts'
import { type CountedOutbox, watchOutbox } from './resources/outbox-metrics.mts'
import { type CountedOutside, watchOutside } from './resources/outside-metrics.mts'
import { type CountedSearch, watchSearch } from './resources/search-metrics.mts'
import { createStoreMetrics } from './store-metrics.mts'
import { type CountedTasks, watchTasks } from './task-metrics.mts'

/** The metrics of a server, for `/metrics`. */
export interface Metrics {
  readonly contentType: string
  /** Observer to open the log with. */
  readonly observer: LogObserver
  /** Adds the counters that the server keeps itself. They are read when the metrics are rendered, so that an edit costs nothing extra. */
  watch(server: Server, api: Pick<Api, 'refused'>, store: EventStore, revocations: Revocations): void
  /** Adds the numbers of the tasks, which are read when the metrics are rendered. */
  watchTasks(tasks: CountedTasks): void
  /** Adds the numbers of the inbox of webhooks. */
  watchHooks(inbox: CountedHooks): void
  /** Adds the numbers of outbound webhooks. */
  watchOutbox(outbox: CountedOutbox): void
  /** Adds the numbers of the looks at services. */
  watchOutside(outside: CountedOutside): void
  /** Adds the numbers of uploaded files. */
  watchFiles(files: Pick<ServedFiles, 'uploadedBytes'>, tasks: CountedTasks): void
  /** Adds the numbers of searches. */
  watchSearch(search: CountedSearch): void
  /** Adds the numbers of signed heads. */
  watchHeads(heads: Pick<SignedHeads, 'counters'>): void
  /** Adds the numbers of a cluster's node. */
  watchCluster(cluster: CountedCluster): void
  /** Resolves with the metrics in Prometheus' text format. */
  render(): Promise<string>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  let rendering: Promise<string> | undefined
  collectDefaultMetrics({ register: registry })
  return {
    contentType: registry.contentType,
    observer: createStoreMetrics(registry),
    watch: (server, api, store, revocations) => watchServer(registry, server, api, store, revocations),
    watchTasks: (tasks) => watchTasks(registry, tasks),
    watchHooks: (inbox) => watchHooks(registry, inbox),
    watchOutbox: (outbox) => watchOutbox(registry, outbox),
    watchOutside: (outside) => watchOutside(registry, outside),
    watchFiles: (files, tasks) => watchFiles(registry, files, tasks),
    watchSearch: (search) => watchSearch(registry, search),
    watchHeads: (heads) => watchHeads(registry, heads),
    watchCluster: (cluster) => watchCluster(registry, cluster),
    render: () => {
      // All who ask meanwhile get the same: a render takes some ms.
      rendering ??= registry.metrics().finally(() => {
        rendering = undefined
      })
      return rendering
    },
  }
}

function watchHeads(registry: Registry, { counters }: Pick<SignedHeads, 'counters'>): void {
  const helps = {
    signed: 'Heads signed',
    logged: 'Heads written to the log of heads',
    contradictions: 'Heads whose history was not the one that an earlier head stands for',
    failures: 'Heads that could not be written to the log of heads',
  } as const satisfies Record<keyof typeof counters, string>
  for (const [name, help] of Object.entries(helps)) {
    const metric = new Counter({
      name: `joinery_heads_${name}_total`,
      help,
      registers: [registry],
      collect() {
        metric.reset()
        metric.inc(counters[name as keyof typeof counters])
      },
    })
  }
}

function watchServer(
  registry: Registry,
  server: Server,
  api: Pick<Api, 'refused'>,
  store: EventStore,
  revocations: Revocations,
): void {
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
  counter('connections_opened', 'Connections accepted', () => counters.connectionsOpened)
  counter('connections_closed', 'Connections closed', () => counters.connectionsClosed)
  counter('rooms_opened', 'Rooms opened, each for one workspace that somebody connected to', () => counters.roomsOpened)
  counter('rooms_closed', 'Rooms closed', () => counters.roomsClosed)
  counter('records', 'Records appended to the log: updates that changed something', () => counters.records)
  counter('deliveries', 'Updates sent to receivers', () => counters.deliveries)
  counter('conflicts', 'Conflicts reported to clients', () => counters.conflicts)
  counter('dropped_conflicts', 'Conflicts too long or too many to be told', () => counters.droppedConflicts)
  counter('prunings', 'Records that deleted beaten claims of writers that are gone', () => counters.prunings)
  counter('rebuilds', 'Documents rebuilt because an update had damaged them', () => counters.rebuilds)
  counter('rooms_lost', 'Rooms whose workspace another process took over', () => counters.abandons)
  counter('unknown_frames', 'Frames of an unknown type, which were ignored', () => counters.unknownFrames)
  counter('readers_edits', 'Edits of stock clients that may only read, which were dropped', () => counters.readersEdits)
  counter(
    'withheld_frames',
    'Frames of which edits were withheld that only another actor may bring',
    () => counters.withheldFrames,
  )
  counter(
    'withheld_frames_untold',
    'Frames of stock clients of which edits were withheld: these clients can not be told',
    () => counters.withheldFramesUntold,
  )
  counter('large_presence', 'Presence states above their limit, which were not relayed', () => counters.largePresence)
  counter('loads', 'Workspaces read from the log', () => counters.loads)
  counter('load_seconds', 'Time that those loads took in all, seconds', () => counters.loadMs / 1_000)
  counter('warmings', 'Times that a room made a document of its bytes', () => counters.warmings)
  counter('coolings', 'Times that a room freed its document', () => counters.coolings)
  counter('dropped_records', 'Records dropped from the history', () => counters.dropped)
  counter(
    'snapshots_verified',
    'Snapshots read back and loaded before records were dropped',
    () => counters.snapshotsVerified,
  )
  counter(
    'snapshots_unusable',
    'Snapshots that could not be loaded before records were dropped',
    () => counters.snapshotsUnusable,
  )
  counter('quarantines', 'Loads that found a workspace damaged', () => counters.quarantined)
  gauge('rooms', 'Open workspaces', () => server.load().rooms)
  gauge('rooms_live', 'Open workspaces with a document in memory', () => server.load().live)
  gauge('rooms_cold', 'Open workspaces that are served from stored bytes, without a document', () => server.load().cold)
  gauge(
    'document_bytes',
    'Memory that the documents of all rooms take, bytes, by estimate',
    () => server.load().documentBytes,
  )
  gauge(
    'document_bytes_max',
    'Bound on that memory (documentBytesMax): beyond it no further document is built',
    () => server.load().documentBytesMax,
  )
  gauge(
    'quarantined_workspaces',
    'Open workspaces that are damaged and served read-only',
    () => server.load().quarantined,
  )
  gauge('connections', 'Open connections', () => server.load().connections)
  counter('holds', 'Times that reading from a connection was paused because storage was behind', () => counters.holds)
  gauge('held_connections', 'Connections whose reading is paused because storage is behind', () => server.load().held)
  counter(
    'rests',
    'Times that a connection had to rest because its work cost more than its share',
    () => counters.rests,
  )
  gauge('resting_connections', 'Connections that rest', () => server.load().resting)
  gauge('backlog_bytes', 'Bytes of updates that are appended and not durable yet', () => server.load().backlogBytes)
  counter('trials', 'Updates that were tried in a worker thread before they were taken', () => counters.trials)
  counter('trials_refused', 'Updates that cost too much in their trial', () => counters.trialsRefused)
  counter('load_trials', 'Loads that were tried in a worker thread first', () => counters.loadTrials)
  gauge(
    'costly_workspaces',
    'Workspaces that take too long to load and are not served: restore them from a backup',
    () => server.costlyWorkspaces.size,
  )
  gauge('leases', 'Leases that stand', () => server.load().leases)
  gauge('lease_waiters', 'Callers that wait for a lease', () => server.load().leaseWaiters)
  counter('leases_acquired', 'Leases that were given to a caller', () => counters.leasesAcquired)
  counter('leases_expired', 'Leases that ended because nobody renewed them in time', () => counters.leasesExpired)
  counter(
    'leases_lost',
    'Writes and calls that were refused because their lease did not stand',
    () => counters.leasesLost,
  )
  counter('revoked_connections', 'Sockets that were ended because their token was revoked', () => counters.revoked)
  gauge('revoked_actors', 'Actors with revoked tokens', () => revocations.size)
  gauge('unadmitted_sockets', 'Sockets that wait to be let in or were refused', () => server.load().unadmitted)
  gauge('unfinished_bytes', 'Bytes of frames that have not arrived completely', () => server.load().unfinishedBytes)
  gauge('storage_writable', '1 while the log takes appends, otherwise 0', () => (store.state.state === 'open' ? 1 : 0))
  byCode('refused_updates', 'Refused updates, by rejection code', counters.refused)
  byCode('refused_connections', 'Refused connections, by error code', counters.refusedConnections)
  byCode('refused_requests', 'Refused requests of the HTTP API, by error code', api.refused)
}
