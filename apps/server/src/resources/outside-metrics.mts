import type { OutsideReads } from '@joinery/resources'
import { Counter, Gauge, type Registry } from 'prom-client'

/** The part of the looks at services that metrics read. */
export type CountedOutside = Pick<OutsideReads, 'counts' | 'size'>

/** Adds the numbers of the cache of what services tell to `registry`. */
export function watchOutside(registry: Registry, outside: CountedOutside): void {
  const registers = [registry]
  const requests = new Counter({
    name: 'joinery_cache_requests_total',
    help: 'Looks at the state of a resource at its service, by where the answer came from; failed: there was none',
    labelNames: ['outcome'],
    registers,
    collect() {
      requests.reset()
      for (const [outcome, count] of outside.counts) requests.inc({ outcome }, count)
    },
  })
  const entries = new Gauge({
    name: 'joinery_cache_entries',
    help: 'Answers of services in memory',
    registers,
    collect() {
      entries.set(outside.size.entries)
    },
  })
  const bytes = new Gauge({
    name: 'joinery_cache_bytes',
    help: 'Estimated size of the answers of services in memory',
    registers,
    collect() {
      bytes.set(outside.size.bytes)
    },
  })
}
