import type { AdoptingLog, Lsn } from '@joinery/log'
import { START } from '../history/position.ts'
import type { ReplicaLog } from '../history/replica-log.ts'

const stay = async (): Promise<void> => undefined

/** The copy of a node that has nothing of a log. It keeps the mark alone, in memory. */
export function blankCopy(): ReplicaLog {
  let mark = START
  return {
    ...{ generation: undefined, head: 0, firstLsn: 1, floor: 0 },
    get mark() {
      return mark
    },
    read: async function* () {},
    readOrigin: async () => undefined,
    chainAt: async () => '',
    adopt: async (_, next) => {
      mark = next
    },
    protect: stay,
    truncate: stay,
  }
}

/**
 * An open log of this node's store, as takeover and catch-up see it. With `isReadOnly` whatever is written to it does nothing: it is
 * compared alone.
 */
export async function localCopyOf(log: AdoptingLog, { isReadOnly = false } = {}): Promise<ReplicaLog> {
  let mark = (await log.readMark()) ?? START
  let floor: number = await log.readFloor()
  const writes: Pick<ReplicaLog, 'adopt' | 'protect' | 'truncate'> = {
    adopt: async (records, next, origin) => {
      await log.adopt(records, next, origin)
      mark = next
      floor = Math.max(floor, next.lsn)
    },
    protect: async () => {
      await log.protect()
      floor = log.head
    },
    truncate: (lsn) => log.truncate(lsn as Lsn),
  }
  return {
    get generation() {
      return log.generation
    },
    get head() {
      return log.head
    },
    get firstLsn() {
      return log.firstLsn
    },
    get mark() {
      return mark
    },
    get floor() {
      return floor
    },
    read: (after) => log.read({ after: after as Lsn }),
    readOrigin: () => log.readOrigin(),
    chainAt: (lsn) => log.chainAt(lsn as Lsn),
    ...(isReadOnly ? { adopt: stay, protect: stay, truncate: stay } : writes),
  }
}
