import { type Codec, type Fold, jsonCodec, readVersioned, versioned } from '@joinery/log'
import { z } from 'zod'

const received = z.object({
  type: z.literal('received'),
  endpoint: z.string(),
  id: z.string(),
  /** Type of the event, as the service names it. */
  kind: z.string(),
  /** The bytes of the body, in base64. */
  body: z.string(),
  digest: z.string(),
  /** Id of the event with other bytes that came before under the same id. */
  conflictsWith: z.string().optional(),
})
const settled = z.object({
  type: z.literal('settled'),
  endpoint: z.string(),
  id: z.string(),
  state: z.enum(['routed', 'ignored', 'parked', 'dropped']),
  workspace: z.string().optional(),
  task: z.string().optional(),
  why: z.string().optional(),
})
const replayed = z.object({ type: z.literal('replayed'), endpoint: z.string(), id: z.string() })
const event = z.discriminatedUnion('type', [received, settled, replayed])

/** One entry of the inbox's journal. */
export type InboxEvent = z.infer<typeof event>
export type Settled = z.infer<typeof settled>

/** An event that has come, and its fate so far. */
export interface HookEntry {
  readonly endpoint: string
  readonly id: string
  readonly kind: string
  readonly digest: string
  /** When it came, ms since epoch. */
  readonly at: number
  readonly state: 'received' | Settled['state']
  /** While it may still be handled. */
  readonly body?: string
  readonly workspace?: string | undefined
  readonly task?: string | undefined
  readonly why?: string | undefined
  readonly conflictsWith?: string | undefined
}

/** Time for which an event is known by its id, ms: longer than any service repeats one. */
const KNOWN_MS = 30 * 24 * 3_600_000

/** The events that have come, by endpoint and id. */
export class HookFold implements Fold<InboxEvent> {
  readonly entries = new Map<string, HookEntry>()

  take(happened: InboxEvent, at: number): void {
    const key = keyOf(happened.endpoint, happened.id)
    if (happened.type === 'received') {
      const { endpoint, id, kind, body, digest, conflictsWith } = happened
      this.entries.set(key, { endpoint, id, kind, body, digest, at, state: 'received', conflictsWith })
      this.#forget(at)
      return
    }
    const entry = this.entries.get(key)
    if (entry === undefined) return
    if (happened.type === 'replayed') {
      // A person has looked at it: one that came under the id of another counts as an event of its own.
      const again = { state: 'received', why: undefined, conflictsWith: undefined } as const
      if (entry.body !== undefined) this.entries.set(key, { ...entry, ...again })
      return
    }
    const { state, workspace, task, why } = happened
    const { body, ...rest } = entry
    // A parked one may be handled again; of all others only the id matters.
    const kept = state === 'parked' && body !== undefined ? { ...rest, body } : rest
    this.entries.set(key, { ...kept, state, workspace, task, why })
  }

  get(endpoint: string, id: string): HookEntry | undefined {
    return this.entries.get(keyOf(endpoint, id))
  }

  /** Lets go what came long ago. Entries stand in the order in which they came. */
  #forget(nowMs: number): void {
    for (const [key, { at, state }] of this.entries) {
      if (nowMs - at < KNOWN_MS) return
      if (state !== 'received' && state !== 'parked') this.entries.delete(key)
    }
  }
}

function keyOf(endpoint: string, id: string): string {
  return `${endpoint}/${id}`
}

export const inboxEvents: Codec<InboxEvent> = jsonCodec(event, 'a record of the webhook inbox')

export const inboxStates: Codec<HookFold> = {
  encode: (fold) => versioned([JSON.stringify([...fold.entries])]),
  decode: (bytes) =>
    readVersioned(bytes, 'the state of the webhook inbox', (text) => {
      const fold = new HookFold()
      for (const [key, entry] of JSON.parse(text) as [string, HookEntry][]) fold.entries.set(key, entry)
      return fold
    }),
}
