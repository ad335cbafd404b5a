import type { Egress, Outbox } from '@joinery/resources'
import { Counter, Gauge, type Registry } from 'prom-client'

/** The part of the outbox that metrics read. */
export interface CountedOutbox {
  readonly outbox: Pick<Outbox, 'endpoints' | 'lags' | 'dead'>
  readonly egress: Pick<Egress, 'refused'>
}

/** Adds the numbers of outbound webhooks to `registry`. Labels name subscriptions of the configuration. */
export function watchOutbox(registry: Registry, { outbox, egress }: CountedOutbox): void {
  const registers = [registry]
  const deliveries = new Counter({
    name: 'joinery_webhook_deliveries_total',
    help: 'Attempts to deliver outbound webhooks, by what became of them; dead: given up after all attempts',
    labelNames: ['subscription', 'outcome'],
    registers,
    collect() {
      deliveries.reset()
      for (const { name, counts } of outbox.endpoints) {
        for (const [outcome, count] of counts) deliveries.inc({ subscription: name, outcome }, count)
      }
    },
  })
  const lag = new Gauge({
    name: 'joinery_webhook_lag_records',
    help: 'Records that are not told yet, of the workspace with the most',
    labelNames: ['subscription'],
    registers,
    collect() {
      for (const [subscription, records] of outbox.lags) lag.set({ subscription }, records)
    },
  })
  const disabled = new Gauge({
    name: 'joinery_webhook_endpoints_disabled',
    help: 'Endpoints of outbound webhooks to which nothing more is sent until an operator enables them',
    registers,
    collect() {
      disabled.set([...outbox.endpoints].filter(({ isDisabled }) => isDisabled).length)
    },
  })
  const dead = new Gauge({
    name: 'joinery_webhooks_dead',
    help: 'Deliveries that were given up, and that an operator may replay or drop',
    registers,
    collect() {
      dead.set(outbox.dead)
    },
  })
  const refused = new Counter({
    name: 'joinery_egress_refused_total',
    help: 'URLs of outbound webhooks that were not called, by the rule that they broke',
    labelNames: ['why'],
    registers,
    collect() {
      refused.reset()
      for (const [why, count] of egress.refused) refused.inc({ why }, count)
    },
  })
}
