import { type LaneJournal, OUTBOX_ENTRY } from './lane.ts'
import type { Delivery, LaneFold, Tried } from './lane-fold.ts'
import type { Failing } from './outbox-fold.ts'

/** One delivery that has failed, as a list shows it. */
export interface DeliveryRow extends Omit<Tried, 'body' | 'nextAt'> {
  readonly subscription: string
  readonly workspace: string
  /** `waiting`: it is tried again at `nextAt`. `dead`: it is not. `again`: somebody has asked for one more attempt. */
  readonly state: 'waiting' | 'dead' | 'again'
  readonly nextAt?: number
}

/** One delivery with the body that is sent. */
export interface DeliveryView extends DeliveryRow, Pick<Delivery, 'body'> {}

/** An endpoint that fails. */
export interface FailingEndpoint extends Failing {
  readonly subscription: string
}

/** The deliveries of a workspace that have failed, the newest last. */
export function deliveriesIn(workspace: string, { places, dead }: LaneFold): DeliveryView[] {
  const waiting = [...places].flatMap(([subscription, { plan }]) => {
    return plan === undefined || plan.attempts === 0
      ? []
      : [{ subscription, workspace, state: 'waiting' as const, ...plan }]
  })
  const given = [...dead].flatMap(([subscription, all]) =>
    [...all.values()].map(({ isAgain, nextAt: _nextAt, ...rest }) => {
      return { subscription, workspace, state: isAgain ? ('again' as const) : ('dead' as const), ...rest }
    }),
  )
  return [...given, ...waiting]
}

/** Decides about a delivery that was given up; resolves when that is on the disk. False if there is none. */
export async function decideDelivery(
  journal: Pick<LaneJournal, 'fold' | 'append'>,
  { subscription, id }: Pick<DeliveryRow, 'subscription' | 'id'>,
  ask: 'replay' | 'drop',
): Promise<boolean> {
  if (journal.fold.deadOf(subscription, id) === undefined) return false
  const type = ask === 'replay' ? 'replayed' : 'dropped'
  await journal.append([{ event: { type, subscription, id }, ...OUTBOX_ENTRY }], { sync: true }).durable
  return true
}
