import type { Inbox } from '@joinery/resources'
import { Counter, Gauge, type Registry } from 'prom-client'

/** The part of the inbox that metrics read. */
export type CountedHooks = Pick<Inbox, 'counts' | 'countOf'>

/** Adds the numbers of the inbox of webhooks to `registry`. Labels name endpoints of the configuration. */
export function watchHooks(registry: Registry, inbox: CountedHooks): void {
  const registers = [registry]
  const received = new Counter({
    name: 'joinery_hooks_received_total',
    help: 'Requests of services to the webhook inbox, by what became of them',
    labelNames: ['endpoint', 'outcome'],
    registers,
    collect() {
      received.reset()
      for (const [endpoint, outcomes] of inbox.counts) {
        for (const [outcome, count] of outcomes) received.inc({ endpoint, outcome }, count)
      }
    },
  })
  for (const [state, name] of [
    ['parked', 'hooks_parked'],
    ['received', 'hooks_waiting'],
  ] as const) {
    const gauge = new Gauge({
      name: `joinery_${name}`,
      help: state === 'parked' ? 'Events that somebody has to look at' : 'Events that are not handled yet',
      registers,
      collect() {
        gauge.set(inbox.countOf(state))
      },
    })
  }
}
