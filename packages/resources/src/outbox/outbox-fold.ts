import { type Codec, type Fold, jsonCodec, readVersioned, versioned } from '@joinery/log'
import { z } from 'zod'
import { type Subscription, subscriptionSchema } from './subscription-config.ts'

const workspace = z.string()
const subscription = z.string()
const event = z.discriminatedUnion('type', [
  /** A record is to be told: written together with the record, so that no crash can part the two. */
  z.object({ type: z.literal('pending'), workspace, from: z.number() }),
  /** All records of the workspace are told. */
  z.object({ type: z.literal('idle'), workspace }),
  /** Number of its deliveries that have failed for good. */
  z.object({ type: z.literal('dead'), workspace, count: z.number() }),
  /** The workspace was purged: nothing is kept of it. */
  z.object({ type: z.literal('forgotten'), workspace }),
  /** Behind a state from which something was removed, so that the records up to that state can be dropped. */
  z.object({ type: z.literal('erased') }),
  z.object({ type: z.enum(['failing', 'working', 'enabled']), subscription }),
  z.object({ type: z.literal('disabled'), subscription, why: z.string() }),
  /** An operator has made a subscription while the server runs, or another one of its name. */
  z.object({ type: z.literal('put'), subscription, given: subscriptionSchema }),
  z.object({ type: z.literal('removed'), subscription }),
])

/** One entry of the server's own journal of deliveries. */
export type OutboxEvent = z.infer<typeof event>

const failing = z.object({
  /** ms since epoch. */
  since: z.number(),
  /** The reason for which nothing more is sent to it; undefined while that is tried. */
  disabled: z.string().optional(),
})
const count = z.tuple([z.string(), z.number()])
const saved = z.object({
  pending: z.array(count),
  dead: z.array(count),
  failing: z.array(z.tuple([z.string(), failing])),
  subscriptions: z.array(z.tuple([z.string(), subscriptionSchema])).default([]),
})

/** An endpoint to which nothing could be delivered since a time. */
export type Failing = Readonly<z.infer<typeof failing>>

/** The workspaces with something to tell, the endpoints that fail, and the subscriptions that the configuration does not have. */
export class OutboxFold implements Fold<OutboxEvent> {
  /** LSN of the first record that was to be told when the workspace had nothing else. */
  readonly pending = new Map<string, number>()
  readonly dead = new Map<string, number>()
  readonly failing = new Map<string, Failing>()
  readonly subscriptions = new Map<string, Subscription>()

  take(happened: OutboxEvent, at: number): void {
    switch (happened.type) {
      case 'pending':
        if (!this.pending.has(happened.workspace)) this.pending.set(happened.workspace, happened.from)
        return
      case 'idle':
        this.pending.delete(happened.workspace)
        return
      case 'dead':
        if (happened.count === 0) this.dead.delete(happened.workspace)
        else this.dead.set(happened.workspace, happened.count)
        return
      case 'forgotten':
        this.pending.delete(happened.workspace)
        this.dead.delete(happened.workspace)
        return
      case 'failing':
        if (!this.failing.has(happened.subscription)) this.failing.set(happened.subscription, { since: at })
        return
      case 'working':
      case 'enabled':
        this.failing.delete(happened.subscription)
        return
      case 'disabled': {
        const { since } = this.failing.get(happened.subscription) ?? { since: at }
        this.failing.set(happened.subscription, { since, disabled: happened.why })
        return
      }
      // Another endpoint may stand behind the same name: nothing is known of it.
      case 'put':
        this.failing.delete(happened.subscription)
        this.subscriptions.set(happened.subscription, happened.given)
        return
      case 'removed':
        this.failing.delete(happened.subscription)
        this.subscriptions.delete(happened.subscription)
        return
      case 'erased':
        return
    }
  }
}

export const outboxEvents: Codec<OutboxEvent> = jsonCodec(event, 'a record of the webhook outbox')

export const outboxStates: Codec<OutboxFold> = {
  encode: ({ pending, dead, failing, subscriptions }) => {
    const maps = { pending, dead, failing, subscriptions }
    const state = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, [...map]]))
    return versioned([JSON.stringify(state)])
  },
  decode: (bytes) =>
    readVersioned(bytes, 'the state of the webhook outbox', (text) => {
      const { pending, dead, failing, subscriptions } = saved.parse(JSON.parse(text))
      const fold = new OutboxFold()
      for (const [name, from] of pending) fold.pending.set(name, from)
      for (const [name, count] of dead) fold.dead.set(name, count)
      for (const [name, since] of failing) fold.failing.set(name, since)
      for (const [name, given] of subscriptions) fold.subscriptions.set(name, given)
      return fold
    }),
}
