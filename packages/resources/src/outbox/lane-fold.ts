import { type Codec, type Fold, jsonCodec, readVersioned, versioned } from '@joinery/log'
import { z } from 'zod'
import { type Told, ToldStatuses, toldList } from './told-statuses.ts'

const delivery = z.object({
  /** The same in all attempts: receivers know repeats by it. */
  id: z.string(),
  generation: z.string(),
  /** LSNs of the first and the last record that it tells. */
  from: z.number(),
  through: z.number(),
  /** The bytes of the body, as text. */
  body: z.string(),
})
const subscription = z.string()
const id = z.string()
const event = z.discriminatedUnion('type', [
  /** The subscription tells the records of this history after an LSN. */
  z.object({ type: z.literal('begun'), subscription, generation: z.string(), through: z.number() }),
  /** All records up to this one matter to nobody, or were told. */
  z.object({ type: z.literal('moved'), subscription, through: z.number() }),
  /** `told`: the statuses that the delivery tells. */
  z.object({ type: z.literal('planned'), subscription, ...delivery.shape, told: toldList.optional() }),
  z.object({ type: z.literal('failed'), subscription, id, nextAt: z.number(), why: z.string() }),
  /** The receiver has it, or wants it never more. */
  z.object({ type: z.enum(['sent', 'refused']), subscription, id }),
  /** The delivery is given up until somebody asks for it, and the next ones are made. */
  z.object({ type: z.literal('dead'), subscription, id, why: z.string() }),
  z.object({ type: z.enum(['replayed', 'dropped']), subscription, id }),
])

/** One entry of the journal of a workspace's deliveries. */
export type LaneEvent = z.infer<typeof event>
export type Delivery = z.infer<typeof delivery>

const tried = z.object({
  ...delivery.shape,
  attempts: z.number(),
  /** Time of its last attempt, or of its making, ms since epoch. */
  at: z.number(),
  /** Time of the next attempt, ms since epoch. */
  nextAt: z.number(),
  /** The reason for which the last attempt failed. */
  why: z.string().optional(),
})
/** `isAgain`: whether somebody has asked for one more attempt. */
const dead = z.object({ ...tried.shape, isAgain: z.boolean() })
const place = z.object({
  generation: z.string(),
  /** LSN of the last record that was told, or matters to nobody. */
  through: z.number(),
  /** The delivery that is on its way. */
  plan: tried.optional(),
})
const saved = z.object({
  places: z.array(z.tuple([z.string(), place])),
  dead: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), dead]))])),
  told: z.array(z.tuple([z.string(), toldList])).default([]),
})

/** A delivery with its attempts so far. */
export type Tried = Readonly<z.infer<typeof tried>>
/** A delivery that has failed for good. */
export type Dead = Readonly<z.infer<typeof dead>>
/** The place of one subscription in the workspace's log. */
export type Place = Readonly<z.infer<typeof place>>

/** The deliveries of one workspace, by subscription. */
export class LaneFold implements Fold<LaneEvent> {
  readonly places = new Map<string, Place>()
  /** By subscription, then by id. */
  readonly dead = new Map<string, Map<string, Dead>>()
  /** The statuses that were told last, by subscription. */
  readonly told = new Map<string, ToldStatuses>()

  take(happened: LaneEvent, at: number): void {
    const { subscription: name } = happened
    if (happened.type === 'begun') {
      const { generation, through } = happened
      this.places.set(name, { generation, through })
      this.told.delete(name)
      return
    }
    const place = this.places.get(name)
    if (place === undefined) return
    switch (happened.type) {
      case 'moved':
        this.places.set(name, { ...place, through: happened.through })
        return
      case 'planned': {
        const { type: _type, subscription: _name, told = [], ...plan } = happened
        // Another history has other resources under the same names.
        if (plan.generation !== place.generation) this.told.delete(name)
        if (told.length > 0) this.#toldOf(name).take(told)
        this.places.set(name, { ...place, plan: { ...plan, attempts: 0, at, nextAt: at } })
        return
      }
      case 'failed': {
        const { plan } = place
        if (plan?.id !== happened.id) return
        const { why, nextAt } = happened
        this.places.set(name, { ...place, plan: { ...plan, attempts: plan.attempts + 1, at, nextAt, why } })
        return
      }
      case 'sent':
      case 'refused':
        if (place.plan?.id === happened.id) this.#pass(name, place.plan)
        else this.#bury(name, happened.id, undefined)
        return
      case 'dead':
        this.#die(name, place, happened, at)
        return
      case 'replayed': {
        const dead = this.deadOf(name, happened.id)
        if (dead !== undefined) this.#bury(name, happened.id, { ...dead, isAgain: true })
        return
      }
      case 'dropped':
        this.#bury(name, happened.id, undefined)
    }
  }

  /** The status of a resource that a subscription was told last; undefined if that is not known. */
  toldOf(name: string, resource: string): Told | undefined {
    return this.told.get(name)?.get(resource)
  }

  deadOf(name: string, id: string): Dead | undefined {
    return this.dead.get(name)?.get(id)
  }

  /** The first dead delivery of a subscription for which somebody has asked. */
  againOf(name: string): Dead | undefined {
    return this.dead
      .get(name)
      ?.values()
      .find(({ isAgain }) => isAgain)
  }

  get deadCount(): number {
    return [...this.dead.values()].reduce((sum, all) => sum + all.size, 0)
  }

  #toldOf(name: string): ToldStatuses {
    const told = this.told.get(name) ?? new ToldStatuses()
    this.told.set(name, told)
    return told
  }

  #die(name: string, place: Place, { id: died, why }: { readonly id: string; readonly why: string }, at: number): void {
    const { plan } = place
    if (plan?.id === died) {
      this.#pass(name, plan)
      this.#bury(name, died, { ...plan, attempts: plan.attempts + 1, at, why, isAgain: false })
      return
    }
    const before = this.deadOf(name, died)
    if (before !== undefined)
      this.#bury(name, died, { ...before, attempts: before.attempts + 1, at, why, isAgain: false })
  }

  #pass(name: string, { generation, through }: Delivery): void {
    this.places.set(name, { generation, through })
  }

  #bury(name: string, died: string, dead: Dead | undefined): void {
    const all = this.dead.get(name) ?? new Map<string, Dead>()
    if (dead === undefined) all.delete(died)
    else all.set(died, dead)
    if (all.size === 0) this.dead.delete(name)
    else this.dead.set(name, all)
  }
}

export const laneEvents: Codec<LaneEvent> = jsonCodec(event, 'a record of webhook deliveries')

export const laneStates: Codec<LaneFold> = {
  encode: (fold) => {
    const { places, dead, told } = fold
    const state = {
      places: [...places],
      dead: [...dead].map(([name, all]) => [name, [...all]]),
      told: [...told].map(([name, statuses]) => [name, statuses.list]),
    }
    return versioned([JSON.stringify(state)])
  },
  decode: (bytes) =>
    readVersioned(bytes, 'the state of webhook deliveries', (text) => {
      const { places, dead, told } = saved.parse(JSON.parse(text))
      const fold = new LaneFold()
      for (const [name, place] of places) fold.places.set(name, place)
      for (const [name, all] of dead) fold.dead.set(name, new Map(all))
      for (const [name, list] of told) fold.told.set(name, new ToldStatuses(list))
      return fold
    }),
}
