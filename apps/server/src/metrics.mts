import type { EventStore } from '@joinery/log'
import type { Server } from '@joinery/server'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** What `/metrics` shows, in Prometheus' text format. */
export interface Metrics {
  readonly contentType: string
  render(): Promise<string>
}

/** Reads the server's own counts when somebody asks: an edit on its way costs nothing for being counted twice. */
export function createMetrics(server: Server, store: EventStore): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
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
  const { counters } = server
  counter('records', 'Updates that brought something, as records of the log', () => counters.records)
  counter('deliveries', 'Updates sent to receivers', () => counters.deliveries)
  counter('conflicts', 'Conflicts told to clients', () => counters.conflicts)
  counter('prunings', 'Records that deleted what dead writers had left beaten', () => counters.prunings)
  counter('rebuilds', 'Documents rebuilt because an update had spoilt them', () => counters.rebuilds)
  gauge('rooms', 'Workspaces that are open', () => server.load().rooms)
  gauge('connections', 'Sockets', () => server.load().connections)
  gauge('storage_writable', '1 while the log takes appends', () => (store.state.state === 'open' ? 1 : 0))
  const refused = new Counter({
    name: 'joinery_refused_updates_total',
    help: 'Refused updates, by rejection code',
    labelNames: ['code'],
    registers: [registry],
    collect() {
      refused.reset()
      for (const [code, count] of counters.refused) refused.inc({ code }, count)
    },
  })
  return { contentType: registry.contentType, render: () => registry.metrics() }
}
