import { type Codec, type Fold, jsonCodec } from '@joinery/log'
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
  /** `routed`: a task looks at its resource. `handled`: the task has done so. */
  state: z.enum(['routed', 'handled', 'ignored', 'parked', 'dropped']),
  workspace: z.string().optional(),
  task: z.string().optional(),
  why: z.string().optional(),
})
/** The resource of a service's id: written together with the status that tells it. */
const known = z.object({
  type: z.literal('known'),
  machine: z.string(),
  externalId: z.string(),
  workspace: z.string(),
  block: z.string(),
  name: z.string(),
})
const replayed = z.object({ type: z.literal('replayed'), endpoint: z.string(), id: z.string() })
const event = z.discriminatedUnion('type', [
  received,
  settled,
  replayed,
  known,
  /** The workspace was purged: of its events only the ids are kept. */
  z.object({ type: z.literal('forgotten'), workspace: z.string() }),
  /** Behind a state from which something was removed, so that the records up to that state can be dropped. */
  z.object({ type: z.literal('erased') }),
])

/** One entry of the inbox's journal. */
export type InboxEvent = z.infer<typeof event>
export type Settled = z.infer<typeof settled>

const entry = z.object({
  ...received.omit({ type: true, body: true }).shape,
  /** When it came, ms since epoch. */
  at: z.number(),
  state: z.enum(['received', ...settled.shape.state.options]),
  /** While it may still be handled. */
  body: z.string().optional(),
  workspace: z.string().optional(),
  task: z.string().optional(),
  why: z.string().optional(),
  /** Times that a person has asked to handle it again. */
  replays: z.int().optional(),
})
const place = known.omit({ type: true, machine: true, externalId: true })
/** An event and the resource of an id as the state has them: with their keys. */
export const savedEntry = z.tuple([z.string(), entry])
export const savedId = z.tuple([z.string(), place])

/** An event that has come, and its fate so far. */
export type HookEntry = Readonly<z.infer<typeof entry>>

/** Where a resource is: its machine is the endpoint's. */
export type KnownPlace = Readonly<z.infer<typeof place>>
/** States of an event from which it goes on. */
export type OpenState = 'received' | 'routed' | 'parked'

/** Ids of services that are kept, those that were told last. */
const IDS_MAX = 100_000
/** Time for which an event is known by its id, ms: longer than any service repeats one. */
const KNOWN_MS = 30 * 24 * 3_600_000

/** The events that have come, by endpoint and id. */
export class HookFold implements Fold<InboxEvent> {
  /** In the order in which they came. */
  readonly entries = new Map<string, HookEntry>()
  /** Resources by their machine and their id at the service, the one that was told last at the end. */
  readonly #ids = new Map<string, KnownPlace>()
  /** Keys of the events that are not at their end, in the order in which they came into the state. */
  readonly #open: Readonly<Record<OpenState, Set<string>>> = {
    received: new Set(),
    routed: new Set(),
    parked: new Set(),
  }

  take(happened: InboxEvent, at: number): void {
    switch (happened.type) {
      case 'received': {
        const { type: _type, ...event } = happened
        this.put({ ...event, at, state: 'received' })
        this.#forgetOld(at)
        return
      }
      case 'replayed': {
        const entry = this.get(happened.endpoint, happened.id)
        // A person has looked at it: one that came under the id of another counts as an event of its own.
        const again = { state: 'received', why: undefined, conflictsWith: undefined } as const
        if (entry?.body !== undefined) this.put({ ...entry, ...again, replays: (entry.replays ?? 0) + 1 })
        return
      }
      case 'settled': {
        const entry = this.get(happened.endpoint, happened.id)
        if (entry === undefined) return
        const { state, workspace, task, why } = happened
        // One that is not at its end may be handled again; of all others only the id matters.
        const body = state === 'parked' || state === 'routed' ? entry.body : undefined
        this.put({ ...entry, body, state, workspace, task, why })
        return
      }
      case 'known': {
        const { machine, externalId, workspace, block, name } = happened
        this.learn(idKeyOf(machine, externalId), { workspace, block, name })
        return
      }
      case 'forgotten':
        this.#forgetWorkspace(happened.workspace)
        return
      case 'erased':
    }
  }

  get(endpoint: string, id: string): HookEntry | undefined {
    return this.entries.get(keyOf(endpoint, id))
  }

  /** The number of events in a state: costs the same however many are known. */
  countOf(state: OpenState): number {
    return this.#open[state].size
  }

  /** The events in a state, in the order in which they came into it. */
  openIn(state: OpenState): HookEntry[] {
    return [...this.#open[state]].flatMap((key) => this.entries.get(key) ?? [])
  }

  /** The resource of a service's id; undefined if none has told it, or long ago. */
  placeOf(machine: string, externalId: string): KnownPlace | undefined {
    return this.#ids.get(idKeyOf(machine, externalId))
  }

  /** Whether anything is kept of a workspace. */
  knows(workspace: string): boolean {
    const isOf = (place: { readonly workspace?: string | undefined }): boolean => place.workspace === workspace
    return this.entries.values().some(isOf) || this.#ids.values().some(isOf)
  }

  get saved(): { readonly entries: z.infer<typeof savedEntry>[]; readonly ids: z.infer<typeof savedId>[] } {
    return { entries: [...this.entries], ids: [...this.#ids] }
  }

  learn(idKey: string, place: KnownPlace): void {
    this.#ids.delete(idKey)
    this.#ids.set(idKey, place)
    const [oldest] = this.#ids.keys()
    if (this.#ids.size > IDS_MAX && oldest !== undefined) this.#ids.delete(oldest)
  }

  /** Keeps an event as it is now. */
  put(entry: HookEntry): void {
    const key = keyOf(entry.endpoint, entry.id)
    this.entries.set(key, entry)
    for (const [state, keys] of Object.entries(this.#open)) {
      // An older journal has events whose task is not followed: they have no body.
      if (entry.state === state && (state !== 'routed' || entry.body !== undefined)) keys.add(key)
      else keys.delete(key)
    }
  }

  #forgetWorkspace(workspace: string): void {
    for (const { endpoint, id, kind, digest, at, workspace: of } of this.entries.values()) {
      if (of === workspace) this.put({ endpoint, id, kind, digest, at, state: 'dropped' })
    }
    for (const [key, place] of this.#ids) if (place.workspace === workspace) this.#ids.delete(key)
  }

  /** Lets go what came long ago. */
  #forgetOld(nowMs: number): void {
    for (const [key, { at, state }] of this.entries) {
      if (nowMs - at < KNOWN_MS) return
      if (!Object.hasOwn(this.#open, state)) this.entries.delete(key)
    }
  }
}

function keyOf(endpoint: string, id: string): string {
  return `${endpoint}/${id}`
}

function idKeyOf(machine: string, externalId: string): string {
  return `${machine}/${externalId}`
}

export const inboxEvents: Codec<InboxEvent> = jsonCodec(event, 'a record of the webhook inbox')
