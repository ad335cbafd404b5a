import { type Codec, type Fold, jsonCodec, readVersioned, versioned } from '@joinery/log'
import { z } from 'zod'

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
})

/** An endpoint to which nothing could be delivered since a time. */
export type Failing = Readonly<z.infer<typeof failing>>

/** The workspaces with something to tell, and the endpoints that fail. */
export class OutboxFold implements Fold<OutboxEvent> {
  /** LSN of the first record that was to be told when the workspace had nothing else. */
  readonly pending = new Map<string, number>()
  readonly dead = new Map<string, number>()
  readonly failing = new Map<string, Failing>()

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
      case 'erased':
        return
    }
  }
}

export const outboxEvents: Codec<OutboxEvent> = jsonCodec(event, 'a record of the webhook outbox')

export const outboxStates: Codec<OutboxFold> = {
  encode: ({ pending, dead, failing }) =>
    versioned([JSON.stringify({ pending: [...pending], dead: [...dead], failing: [...failing] })]),
  decode: (bytes) =>
    readVersioned(bytes, 'the state of the webhook outbox', (text) => {
      const { pending, dead, failing } = saved.parse(JSON.parse(text))
      const fold = new OutboxFold()
      for (const [name, from] of pending) fold.pending.set(name, from)
      for (const [name, count] of dead) fold.dead.set(name, count)
      for (const [name, since] of failing) fold.failing.set(name, since)
      return fold
    }),
}
